import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageReader, TailBuffer } from "./messageReader.ts";

const LIMIT = 1_000;

function read(bytes: Buffer, cuts: readonly number[] = [], lineBytesMax = LIMIT) {
  const seen: { messages: unknown[]; violations: string[]; fatal: string[] } = {
    messages: [],
    violations: [],
    fatal: [],
  };
  const reader = new MessageReader({
    lineBytesMax,
    onMessage: (message) => seen.messages.push(message),
    onViolation: (what) => seen.violations.push(what),
    onFatal: (what) => seen.fatal.push(what),
  });
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    reader.push(bytes.subarray(start, cut));
    start = Math.max(start, cut);
  }
  return seen;
}

test("[PL8] messages are the same however their bytes are cut", () => {
  const values = fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 6 });
  const cuts = fc.array(fc.nat(3_000), { maxLength: 20 }).map((list) => list.sort((a, b) => a - b));
  fc.assert(
    fc.property(values, cuts, (messages, places) => {
      const bytes = Buffer.from(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
      const seen = read(
        bytes,
        places.filter((cut) => cut <= bytes.length),
        1_000_000,
      );
      expect(seen).toEqual({ messages: JSON.parse(JSON.stringify(messages)), violations: [], fatal: [] });
    }),
    { seed: 11, numRuns: 300 },
  );
});

test("[PL8] no bytes make it throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(400), { maxLength: 5 }), (bytes, cuts) => {
      const places = cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b);
      expect(read(Buffer.from(bytes), places).fatal.length).toBeLessThanOrEqual(1);
    }),
    { seed: 12, numRuns: 500 },
  );
});

test.each([
  ["no JSON", Buffer.from("hello\n")],
  ["an empty line", Buffer.from("\n")],
  ["a stray byte", Buffer.from([0x22, 0xc3, 0x28, 0x22, 0x0a])],
  ["an encoded surrogate", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22, 0x0a])],
  ["a byte order mark", Buffer.from("\ufeff1\n")],
])("[PL8] %s is dropped and counted, and the next line is read", (_what, bytes) => {
  expect(read(Buffer.concat([bytes, Buffer.from('{"a":1}\n')]))).toEqual({
    messages: [{ a: 1 }],
    violations: ["a line that is not JSON in UTF-8"],
    fatal: [],
  });
});

test("[PL6] a line may have as many bytes as the limit, in one piece or in many, and not one more", () => {
  const fits = Buffer.from(`"${"x".repeat(LIMIT - 2)}"\n`);
  const every = Array.from(fits.keys());
  expect(read(fits).messages).toHaveLength(1);
  expect(read(fits, every).messages).toHaveLength(1);
  const long = Buffer.from(`"${"x".repeat(LIMIT - 1)}"\n1\n`);
  for (const cuts of [[], Array.from(long.keys()), [LIMIT]])
    expect(read(long, cuts)).toEqual({ messages: [], violations: [], fatal: ["sent a line of more than 1000 bytes"] });
  expect(read(Buffer.alloc(5_000, 0x20)).fatal).toHaveLength(1);
});

test("[PL6] a line that comes byte by byte is held in one piece of memory", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const seen: unknown[] = [];
  const reader = new MessageReader({
    lineBytesMax: 1_000_000,
    onMessage: (message) => seen.push(message),
    onViolation: (what) => seen.push(what),
    onFatal: (what) => seen.push(what),
  });
  collect();
  const before = process.memoryUsage().heapUsed;
  reader.push(Buffer.from('"'));
  for (let count = 0; count < 200_000; count += 1) reader.push(Buffer.from("x"));
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
  reader.push(Buffer.from('"\n'));
  expect(seen).toEqual(["x".repeat(200_000)]);
});

test("[PL7] 64 nested containers are read, 65 are not, and brackets in strings do not count", () => {
  const nest = (depth: number): Buffer => Buffer.from(`${"[".repeat(depth)}${"]".repeat(depth)}\n`);
  expect(read(nest(64)).messages).toHaveLength(1);
  expect(read(nest(65)).fatal).toEqual(["sent JSON nested more than 64 deep"]);
  expect(read(Buffer.from(`{"a":"${"[{".repeat(100)}\\"[","b":[${"{},".repeat(90)}{}]}\n`)).messages).toHaveLength(1);
  expect(read(Buffer.from(`"\\"${"[".repeat(100)}\\\\"\n`)).messages).toEqual([`"${"[".repeat(100)}\\`]);
  expect(read(Buffer.concat([nest(65), Buffer.from("1\n")])).messages).toEqual([]);
});

test("[PL7] depth is counted right behind strings of any length, with quotes, brackets and backslashes in them", () => {
  const part = fc.constantFrom("[", "]", "{", "}", '"', "\\", "\n", "ü", "x".repeat(66), "[".repeat(66));
  const text = fc.array(part, { maxLength: 3 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 2 }), text, fc.integer({ min: 1, max: 63 }), (strings, key, depth) => {
      const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
      const line = (levels: number) =>
        Buffer.from(
          `[${[...strings.map((each) => JSON.stringify(each)), JSON.stringify({ [key]: 1 })].join(",")},${nested(levels)}]\n`,
        );
      expect(read(line(depth)).messages).toHaveLength(1);
      expect(read(line(64)).fatal).toEqual(["sent JSON nested more than 64 deep"]);
    }),
  );
});

test("[PL10] the last bytes are kept, whatever the pieces they came in", () => {
  const tail = new TailBuffer(100);
  for (let line = 0; line < 1_000; line += 1) tail.push(Buffer.from(`line ${line}\n`));
  expect(tail.lines().at(-1)).toBe("line 999");
  expect(tail.lines().join("\n").length).toBeLessThanOrEqual(100);
  tail.push(Buffer.from(`${"x".repeat(5_000)}\nend\n\n`));
  expect(tail.lines()).toEqual(["x".repeat(94), "end"]);
});

test("[PL8] who is stopped by a message hears nothing of what came in the same piece", () => {
  const heard: unknown[] = [];
  const reader = new MessageReader({
    lineBytesMax: 100,
    onMessage: (message) => {
      heard.push(message);
      reader.stop();
    },
    onViolation: (what) => expect.fail(what),
    onFatal: (what) => expect.fail(what),
  });
  reader.push(Buffer.from(`1\n2\nnonsense\n${"x".repeat(200)}`));
  reader.push(Buffer.from("3\n"));
  expect(heard).toEqual([1]);
});
