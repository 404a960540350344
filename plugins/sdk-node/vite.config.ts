import { defineConfig } from "vite";

/** One file: each module more costs every start of a plugin half a millisecond. Readable, because plugin authors meet it in stack traces. */
export default defineConfig({
  root: import.meta.dirname,
  build: {
    ssr: "index.ts",
    outDir: "dist",
    emptyOutDir: true,
    minify: false,
    target: "node24",
  },
});
