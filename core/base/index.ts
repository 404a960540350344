export { BugError, assert, assertNever } from "./assert.ts";
export { backoffDelayMs, jitterMs, type BackoffPolicy } from "./backoff.ts";
export { canonicalJson, sha256Hex } from "./canonicalJson.ts";
export { toDisposable } from "./disposable.ts";
export { isCancellation, messageOf, toLogoMeshError, toProblem } from "./errors.ts";
export { createIdSource, type IdSource } from "./ids.ts";
export { toJsonText } from "./jsonText.ts";
export { systemClock } from "./systemClock.ts";
export { systemRandom } from "./systemRandom.ts";
