import { randomBytes } from "node:crypto";
import type { Random } from "../ports/random.ts";

/** The operating system's generator. */
export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  float: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};
