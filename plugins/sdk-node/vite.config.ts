import { defineConfig } from "vite";

/** One file, and one beside it for tests, which imports the first: each module more costs every start of a plugin half a millisecond. Readable, because plugin authors meet it in stack traces. */
export default defineConfig({
  root: import.meta.dirname,
  build: {
    ssr: true,
    rolldownOptions: {
      input: { index: "index.ts", testing: "testing.ts" },
      output: { entryFileNames: "[name].js" },
    },
    outDir: "dist",
    emptyOutDir: true,
    minify: false,
    target: "node24",
  },
});
