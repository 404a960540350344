import { randomBytes, randomFillSync } from "node:crypto";
import type { Random } from "../ports/random.ts";

/** One call of the generator serves many small requests: it costs the same for 16 bytes as for these. */
const POOL_BYTES = 4_096;
/** Larger requests are served on their own, so that the pool lasts. */
const POOLED_BYTES_MAX = 256;

const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/** The operating system's generator. */
export const systemRandom: Random = {
  bytes: (length) => (length > POOLED_BYTES_MAX ? new Uint8Array(randomBytes(length)) : takeFromPool(length)),
  float: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};

/** Every byte is handed out once and wiped. */
function takeFromPool(length: number): Uint8Array {
  if (used + length > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const taken = pool.slice(used, used + length);
  pool.fill(0, used, used + length);
  used += length;
  return taken;
}
