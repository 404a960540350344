import { createRequire } from "node:module";
import type * as Cedar from "@cedar-policy/cedar-wasm/nodejs";

let loaded: typeof Cedar | undefined;

/** The engine. Its WebAssembly takes some 30 ms to load, so it is loaded when it is first needed and not when the workbench starts. */
export function cedar(): typeof Cedar {
  loaded ??= createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs") as typeof Cedar;
  return loaded;
}
