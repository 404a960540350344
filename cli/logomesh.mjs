// Turns on the cache of compiled modules before any TypeScript is loaded: here, and by the environment in the threads that this one starts.
import { enableCompileCache } from "node:module";
import { join } from "node:path";

const cache = join(import.meta.dirname, "../node_modules/.cache/compile");
enableCompileCache(cache);
process.env.NODE_COMPILE_CACHE = cache;
const { runMain } = await import("./runMain.ts");
await runMain(process);
