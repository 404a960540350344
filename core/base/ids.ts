import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;

/** Makes ids that sort by time of creation: `run_` + 10 characters of time + 16 random ones (80 bits). */
export interface IdSource {
  next(prefix: string): string;
}

/** ULID layout (Crockford base 32, lower case); ids made within one millisecond still rise. */
export function createIdSource(options: { clock: Clock; random: Random }): IdSource {
  let lastMs = -1;
  let lastRandom = new Uint8Array(RANDOM_CHARS);
  return {
    next(prefix) {
      const nowMs = Math.max(options.clock.nowMs(), lastMs);
      if (nowMs === lastMs) increment(lastRandom);
      else lastRandom = options.random.bytes(RANDOM_CHARS).map((byte) => byte & 31);
      lastMs = nowMs;
      return `${prefix}_${encodeTime(nowMs)}${Array.from(lastRandom, (value) => ALPHABET.charAt(value)).join("")}`;
    },
  };
}

function encodeTime(ms: number): string {
  let text = "";
  let rest = ms;
  for (let index = 0; index < TIME_CHARS; index++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function increment(digits: Uint8Array): void {
  for (let index = digits.length - 1; index >= 0; index--) {
    const digit = digits[index] ?? 0;
    if (digit < 31) {
      digits[index] = digit + 1;
      return;
    }
    digits[index] = 0;
  }
}
