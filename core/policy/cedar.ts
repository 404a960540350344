import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import type * as Cedar from "@cedar-policy/cedar-wasm/nodejs";

let loaded: typeof Cedar | undefined;

/** The engine. Its WebAssembly takes some 30 ms to load, so it is loaded when it is first needed and not when the workbench starts. */
export function cedar(): typeof Cedar {
  loaded ??= createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs") as typeof Cedar;
  return loaded;
}

/**
 * Does with the engine what is done once, such as parsing schema and constitution. V8 would find that worth optimizing, which takes 0.15 s
 * of both cores and leaves 25 MB behind; what decides is compiled afterwards and optimized as ever.
 */
export function withoutOptimizing<T>(work: () => T): T {
  for (const flag of TIER_UP) setFlagsFromString(`--no-${flag}`);
  try {
    return work();
  } finally {
    for (const flag of TIER_UP) setFlagsFromString(`--${flag}`);
  }
}

/** V8 asks for them when it compiles a function of WebAssembly for the first time. */
const TIER_UP = ["wasm-dynamic-tiering", "wasm-tier-up"] as const;
