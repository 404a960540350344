import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createSeededRandom } from "../../testing/index.ts";

// What a hostile peer writes on either plane: lines that are nearly right, in every way that was thought of, and bytes that are nothing at
// all. The same seed gives the same bytes.

/** Messages of the three fuzz tests together: in every run, and with `script/test --long`. */
export function messagesOf(share: { quick: number; long: number }): number {
  return process.env.LOGOMESH_TEST_LONG === "1" ? share.long : share.quick;
}

export class Dice {
  readonly #random;

  constructor(seed: number) {
    this.#random = createSeededRandom(seed);
  }

  /** From 0 to below `end`. */
  int(end: number): number {
    return Math.floor(this.#random.float() * end);
  }

  chance(probability: number): boolean {
    return this.#random.float() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.int(values.length)] as T;
  }

  bytes(length: number): Buffer {
    return Buffer.from(this.#random.bytes(length));
  }
}

const KEYS = [
  "a",
  "",
  "__proto__",
  "constructor",
  "toString",
  "id",
  "method",
  "then",
  "toJSON",
  "length",
  "\u0000",
  "é",
];
const TEXTS = [
  "",
  "x",
  "é",
  "🔑",
  "\u0000",
  "\u2028",
  "\\u",
  "__proto__",
  "</script>",
  "\u001b[2J",
  "[[[[",
  '"',
  "1e999",
];
const NUMBERS = ["0", "-0", "1", "-1", "0.5", "1e999", "-1e999", "1e-999", "9007199254740993", "1".repeat(400)];
/** As they stand in the text of a message. */
const ODD_IDS = ["null", "true", '""', "{}", "[]", "1.5", "-0", "1e999", "9007199254740993", `"${"i".repeat(200)}"`];
const METHODS = [
  ...["ping", "initialize", "server/discover", "tools/list", "tools/call", "roots/list", "sampling/createMessage"],
  ...["notifications/cancelled", "notifications/progress", "notifications/message", "notifications/initialized"],
  ...["notifications/tools/list_changed", "events/listen", "subscriptions/listen", "", "__proto__", "constructor"],
];

export interface HostileOptions {
  lineBytesMax: number;
  /** Ids that mean something now, and some that did. */
  ids: () => readonly (string | number)[];
  /** Messages that the test knows to be right, as text. */
  rightful: (dice: Dice) => string;
}

export class HostileMessages {
  readonly #dice: Dice;
  readonly #options: HostileOptions;
  /** Of all lines: who does nothing right is soon ended, and shows little. */
  readonly #hostileShare: number;

  constructor(dice: Dice, options: HostileOptions) {
    this.#dice = dice;
    this.#options = options;
    this.#hostileShare = dice.pick([0.1, 0.5, 1]);
  }

  /** One line, mostly, without its end. */
  line(): Buffer {
    const dice = this.#dice;
    if (!dice.chance(this.#hostileShare)) return Buffer.from(this.#options.rightful(dice));
    const text = dice.pick([
      () => this.#options.rightful(dice),
      ...[
        () => this.#answer(),
        () => this.#request(),
        () => this.#notification(),
        () => this.#odd(),
        () => this.#deep(),
      ],
      ...[() => this.#truncated(), () => this.#bytes(), () => this.#long()],
    ])();
    return typeof text === "string" ? Buffer.from(text) : text;
  }

  /** In pieces, at any boundary. */
  chunks(bytes: Buffer): Buffer[] {
    const dice = this.#dice;
    const size = dice.pick([1, 2, 7, 64, 4_096, bytes.length || 1]);
    // A long line byte by byte takes its time and shows nothing that a short one does not.
    const step = Math.max(size, Math.ceil(bytes.length / 2_000));
    const chunks: Buffer[] = [];
    for (let start = 0; start < bytes.length; start += step) chunks.push(bytes.subarray(start, start + step));
    return chunks;
  }

  /** JSON that `JSON.stringify` would not write. */
  value(depth = 0): string {
    const dice = this.#dice;
    const kind = dice.int(depth > 4 ? 4 : 6);
    if (kind === 0) return dice.pick(["null", "true", "false"]);
    if (kind === 1) return dice.pick(NUMBERS);
    if (kind <= 3) return dice.chance(0.1) ? '"\\ud800"' : JSON.stringify(dice.pick(TEXTS).repeat(1 + dice.int(3)));
    const members = Array.from({ length: dice.int(4) }, () => this.value(depth + 1));
    if (kind === 4) return `[${members.join(",")}]`;
    // Keys may come twice.
    return `{${members.map((member) => `${JSON.stringify(dice.pick(KEYS))}:${member}`).join(",")}}`;
  }

  #id(): string {
    const dice = this.#dice;
    const ids = this.#options.ids();
    if (dice.chance(0.3)) return dice.pick(ODD_IDS);
    if (ids.length === 0 || dice.chance(0.3)) return String(dice.int(5_000));
    const id = dice.pick(ids);
    return dice.chance(0.1) ? JSON.stringify(String(id)) : JSON.stringify(id);
  }

  #answer(): string {
    const parts = [`"jsonrpc":"2.0"`, `"id":${this.#id()}`];
    if (this.#dice.chance(0.7)) parts.push(`"result":${this.value()}`);
    if (this.#dice.chance(0.4)) parts.push(`"error":${this.value()}`);
    return `{${parts.join(",")}}`;
  }

  #request(): string {
    const dice = this.#dice;
    const method = dice.chance(0.1) ? this.value() : JSON.stringify(dice.pick(METHODS));
    return `{"jsonrpc":"2.0","id":${this.#id()},"method":${method},"params":${this.value()}}`;
  }

  #notification(): string {
    const progress = `"progressToken":${this.#id()},"requestId":${this.#id()},"progress":${this.value()}`;
    const params = this.#dice.chance(0.5) ? `{${progress},"total":${this.value()}}` : this.value();
    return `{"jsonrpc":"2.0","method":${JSON.stringify(this.#dice.pick(METHODS))},"params":${params}}`;
  }

  #odd(): string {
    const right = this.#options.rightful(this.#dice);
    return this.#dice.pick([
      ...["", " ", "\r", "null", "[]", "{}", "\ufeff{}", `[${right}]`, `${right}${right}`, `${right}\r`, `\t ${right}`],
      ...[`${right},`, right.replace("{", '{"__proto__":{"polluted":true},'), right.replaceAll('"', "'"), this.value()],
    ]);
  }

  #deep(): string {
    const dice = this.#dice;
    const depth = dice.pick([63, 64, 65, 100, 5_000]);
    const open = dice.pick(["[", '{"a":']);
    const close = dice.chance(0.8) ? (open === "[" ? "]" : "}") : "";
    const inside = dice.chance(0.3) ? '"[[[[{{{{\\"[[["' : "1";
    return `${open.repeat(depth)}${inside}${close.repeat(depth)}`;
  }

  #truncated(): string {
    const right = this.#options.rightful(this.#dice);
    const cut = this.#dice.int(right.length);
    return this.#dice.chance(0.5) ? right.slice(0, cut) : right.slice(cut);
  }

  #bytes(): Buffer {
    const dice = this.#dice;
    const right = Buffer.from(this.#options.rightful(dice));
    if (dice.chance(0.5)) return dice.bytes(dice.int(300));
    // One byte of something right is another: often no UTF-8 any more.
    if (right.length > 0) right[dice.int(right.length)] = dice.int(256);
    return right;
  }

  /** Around the longest that is read; more often far below it. */
  #long(): string {
    const { lineBytesMax } = this.#options;
    const length = this.#dice.chance(0.05) ? lineBytesMax - 20 + this.#dice.int(40) : this.#dice.int(2_000);
    return `{"jsonrpc":"2.0","method":"x","params":{"a":"${"y".repeat(Math.max(0, length))}"}}`;
  }
}

/** Bytes on the heap that are really in use. */
export function usedHeapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

/** What stays in use from the first quarter of the messages to the last. */
export class GrowthWatch {
  #before: number | undefined;

  /** How far the test is, from 0 to 1; told now and then. */
  at(share: number): void {
    if (share >= 0.25) this.#before ??= usedHeapBytes();
  }

  growthBytes(): number {
    return usedHeapBytes() - (this.#before ?? 0);
  }
}

/**
 * Runs rounds, each with a seed of its own, until so many messages were heard. `seeds` come first: those that once failed.
 * @throws what a round throws, with its seed, and what nobody waited for
 */
export async function fuzz({
  messages,
  seeds = [],
  round,
}: {
  messages: number;
  seeds?: readonly number[];
  /** Answers how many messages were heard in it. */
  round: (seed: number) => number | Promise<number>;
}): Promise<{ rounds: number; messages: number; growthBytes: number }> {
  const watch = new GrowthWatch();
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", note);
  let [heard, rounds] = [0, 0];
  for (let next = 1; heard < messages; next += 1) {
    const seed = seeds[rounds] ?? next;
    try {
      heard += await round(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    rounds += 1;
    watch.at(heard / messages);
  }
  process.off("unhandledRejection", note);
  if (unhandled.length > 0) throw new AggregateError(unhandled, "Nobody waited for what failed.");
  const growthBytes = watch.growthBytes();
  process.stdout.write(
    `${heard} messages in ${rounds} rounds, seeds 1 to ${rounds}; ${growthBytes} bytes more in use\n`,
  );
  return { rounds, messages: heard, growthBytes };
}
