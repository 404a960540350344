import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The built page obeys a strict CSP: no inline script, nothing from other hosts, no `data:` images. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
    // What the first page loads is held to 250 kB, compressed, by its browser test.
    chunkSizeWarningLimit: 600,
  },
  server: {
    host: "127.0.0.1",
    port: 7421,
    // `npm run dev -w web` beside a running workbench.
    proxy: { "/api": { target: "http://127.0.0.1:7420", ws: true } },
  },
});
