// Turns on the cache of compiled modules before any TypeScript is loaded.
import { enableCompileCache } from "node:module";
import { join } from "node:path";

enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/compile"));
const { runMain } = await import("./runMain.ts");
await runMain(process);
