import type { JsonValue } from "@logomesh/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createStorageHarness } from "./testing/storageHarness.ts";

const A = "org.example.a";
const B = "org.example.b";
const room = { bytesMax: 10_000_000 };

/** Any text: half characters too. */
const anyText = fc.string({ unit: "binary" });
const anyValue = fc.jsonValue().filter((value) => !hasLargeInteger(value)) as fc.Arbitrary<JsonValue>;
const anyKey = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
  .filter((key) => key.isWellFormed() && !/\p{Cc}/u.test(key));

function hasLargeInteger(value: unknown): boolean {
  if (typeof value === "number")
    return Object.is(value, -0) || (Number.isInteger(value) && !Number.isSafeInteger(value));
  return typeof value === "object" && value !== null && Object.values(value).some(hasLargeInteger);
}

test("[ST8] every JSON value and every text comes back equal", async () => {
  using harness = createStorageHarness();
  const { store } = harness;
  await fc.assert(
    fc.asyncProperty(anyKey, anyValue, anyText, async (key, value, text) => {
      const whole: JsonValue = { value, text, [text]: [text, {}, []] };
      await store.put(A, { key, value: whole }, room);
      const { value: read } = await store.get(A, key);
      expect(read).toEqual(whole);
      expect(JSON.stringify(read)).toBe(JSON.stringify(whole));
    }),
    { seed: 21, numRuns: 300 },
  );
});

test("[ST8] keys of objects are data, whatever they are called", async () => {
  using harness = createStorageHarness();
  const { store } = harness;
  const text = '{"__proto__":{"polluted":true},"constructor":1,"toJSON":"x","zz":null,"a":[[],{}]}';
  await store.put(A, { key: "__proto__", value: JSON.parse(text) as JsonValue }, room);
  expect(JSON.stringify((await store.get(A, "__proto__")).value)).toBe(text);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect((await store.get(A, "constructor")).value).toBeUndefined();
});

const deep = (levels: number): JsonValue => (levels === 0 ? 1 : [deep(levels - 1)]);

test.each([
  ["NaN", { a: [1, Number.NaN] }, "/a/1"],
  ["an infinity", Number.NEGATIVE_INFINITY, "The value is -Infinity"],
  ["2^53", { "a/b~c": 2 ** 53 }, "/a~1b~0c"],
  ["a large negative integer", -1e300, "string"],
  ["undefined", [undefined], "undefined"],
  ["a bigint", 1n, "bigint"],
  ["a function", { toJSON: () => 1 }, "/toJSON"],
  ["a date", new Date(0), "plain object"],
  ["65 levels", deep(65), "64 levels"],
])("[ST9] %s is refused with its place", async (_name, value, words) => {
  using harness = createStorageHarness();
  await expect(harness.store.put(A, { key: "k", value: value as JsonValue }, room)).rejects.toMatchObject({
    code: "LM_INPUT_INVALID",
    message: expect.stringContaining(words),
  });
  expect((await harness.store.get(A, "k")).value).toBeUndefined();
});

test("[ST9] strings carry large integers, and 64 levels are enough", async () => {
  using harness = createStorageHarness();
  const value = { large: "18446744073709551616", safe: Number.MAX_SAFE_INTEGER, small: 5e-324, deep: deep(62) };
  await harness.store.put(A, { key: "k", value }, room);
  expect((await harness.store.get(A, "k")).value).toEqual(value);
});

test.each([
  ["", "is empty"],
  ["x".repeat(513), "512 bytes"],
  ["\u{1f600}".repeat(129), "512 bytes"],
  ["a\0b", "control"],
  ["a\u001b[2J", "control"],
  ["a\ud800", "half a character"],
])("[ST10] the key %j is refused", async (key, words) => {
  using harness = createStorageHarness();
  const { store } = harness;
  const refused = { code: "LM_INPUT_INVALID", message: expect.stringContaining(words) };
  await expect(store.put(A, { key, value: 1 }, room)).rejects.toMatchObject(refused);
  await expect(store.get(A, key)).rejects.toMatchObject(refused);
  await expect(store.delete(A, key)).rejects.toMatchObject(refused);
  if (key !== "") await expect(store.list(A, { prefix: key })).rejects.toMatchObject(refused);
  await expect(store.list(A, { prefix: "", after: key })).rejects.toMatchObject(refused);
});

test("[ST10] a value too large and a full store are refused, and the old value stays", async () => {
  using harness = createStorageHarness();
  const { store, db } = harness;
  await expect(store.put(A, { key: "k", value: "x".repeat(1024 * 1024) }, room)).rejects.toMatchObject({
    code: "LM_TOO_LARGE",
  });
  await store.put(A, { key: "k".repeat(512), value: "x".repeat(1024 * 1024 - 2) }, room);
  await store.delete(A, "k".repeat(512));
  // Key (1 byte) and text ("é" with its quotes: 4 bytes).
  await store.put(A, { key: "k", value: "é" }, { bytesMax: 5 });
  expect(store.usage(A)).toEqual({ bytes: 5, entries: 1 });
  const full = { code: "LM_PLUGIN_STORE_FULL", message: expect.stringContaining("5") };
  await expect(store.put(A, { key: "k", value: "éé" }, { bytesMax: 5 })).rejects.toMatchObject(full);
  await expect(store.put(A, { key: "l", value: 1 }, { bytesMax: 5 })).rejects.toMatchObject(full);
  expect((await store.get(A, "k")).value).toBe("é");
  await store.put(A, { key: "k", value: "" }, { bytesMax: 0 });
  expect(store.usage(A)).toEqual({ bytes: 3, entries: 1 });
  db.exec(`UPDATE storage_usage SET entries = 100000 WHERE owner = '${A}'`);
  await store.put(A, { key: "k", value: 2 }, room);
  await expect(store.put(A, { key: "l", value: 1 }, room)).rejects.toMatchObject({ code: "LM_PLUGIN_STORE_FULL" });
  await store.put(B, { key: "l", value: 1 }, room);
});

test("[ST11] a prefix is exact, whatever it ends with, and keys come in the order of their code points", async () => {
  const character = fc.constantFrom("a", "b", "%", "_", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}");
  const word = fc.array(character, { minLength: 1, maxLength: 3 }).map((characters) => characters.join(""));
  const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(word, { maxLength: 20 }), word, async (keys, prefix) => {
      using harness = createStorageHarness();
      for (const key of keys) await harness.store.put(A, { key, value: 0 }, room);
      const listed = await harness.store.list(A, { prefix });
      expect([listed.keys, listed.isMore]).toEqual([keys.filter((key) => key.startsWith(prefix)).sort(order), false]);
    }),
    { seed: 8, numRuns: 150 },
  );
});

test("[ST11] pages of a thousand neither repeat nor skip", async () => {
  using harness = createStorageHarness();
  const { store } = harness;
  const keys = Array.from({ length: 2100 }, (_none, index) => `k/${String(index).padStart(5, "0")}`);
  await Promise.all([...keys, "j", "l"].map((key) => store.put(A, { key, value: 0 }, room)));
  const first = await store.list(A, { prefix: "k/" });
  const second = await store.list(A, { prefix: "k/", after: first.keys.at(-1)! });
  const third = await store.list(A, { prefix: "k/", after: second.keys.at(-1)! });
  expect([first, second, third].map(({ isMore, keys: { length } }) => [length, isMore])).toEqual([
    [1000, true],
    [1000, true],
    [100, false],
  ]);
  expect([...first.keys, ...second.keys, ...third.keys]).toEqual(keys);
  expect((await store.list(A, { prefix: "" })).keys).toHaveLength(1000);
});

test("[ST12] plugins never see each other's keys", async () => {
  using harness = createStorageHarness();
  const { store } = harness;
  await store.put(A, { key: "k", value: "mine" }, room);
  await store.put(`${A}.b`, { key: "k", value: "theirs" }, room);
  expect((await store.get(B, "k")).value).toBeUndefined();
  expect((await store.delete(B, "k")).existed).toBe(false);
  expect(await store.list(B, { prefix: "" })).toEqual({ keys: [], isMore: false, isPrivate: false });
  await store.clear(A);
  expect((await store.get(`${A}.b`, "k")).value).toBe("theirs");
});

test("[ST13] deleting answers whether the key was there and gives its space back", async () => {
  using harness = createStorageHarness();
  const { store } = harness;
  await store.put(A, { key: "k", value: "value" }, room);
  expect((await store.delete(A, "k")).existed).toBe(true);
  expect((await store.delete(A, "k")).existed).toBe(false);
  expect(store.usage(A)).toEqual({ bytes: 0, entries: 0 });
});

test("[ST14] the total equals what is stored after any sequence of operations", async () => {
  const operation = fc.record({
    do: fc.constantFrom("put", "delete"),
    plugin: fc.constantFrom(A, B),
    key: fc.constantFrom("a", "ü", "\u{1f600}"),
    value: fc.constantFrom<JsonValue>("", "ü", 12, { a: "\u{1f600}" }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
      using harness = createStorageHarness();
      const { store, db } = harness;
      for (const { do: what, plugin, key, value } of operations) {
        if (what === "delete") await store.delete(plugin, key);
        else await store.put(plugin, { key, value }, { bytesMax: 20 }).catch(() => undefined);
      }
      const real =
        db.prepare(`SELECT COALESCE(SUM(LENGTH(CAST(key AS BLOB)) + LENGTH(CAST(value AS BLOB))), 0) AS bytes,
        COUNT(*) AS entries FROM plugin_value WHERE plugin_id = ?`);
      for (const plugin of [A, B]) expect(store.usage(plugin)).toEqual({ ...real.get(plugin) });
    }),
    { seed: 6, numRuns: 80 },
  );
});

test("[ST15] clear takes values, blobs, what was handed over and what was received, in slices", async () => {
  using harness = createStorageHarness();
  const { store, blobs, counts, db } = harness;
  const media = "text/plain";
  const owner = `plugin:${A}`;
  const other = `plugin:${B}`;
  await Promise.all(Array.from({ length: 1200 }, (_none, i) => store.put(A, { key: `k${i}`, value: i }, room)));
  const mine = await blobs.put(Buffer.from("mine"), { owner, media });
  const theirs = await blobs.put(Buffer.from("theirs"), { owner: other, media });
  for (let index = 0; index < 3; index += 1) await blobs.put(Buffer.alloc(9_000_000, index), { owner, media });
  await blobs.share(mine.sha256, { from: owner, to: other });
  await blobs.share(theirs.sha256, { from: other, to: owner });
  await store.put(B, { key: "k", value: 1 }, room);
  await store.clear(A);
  expect(await store.list(A, { prefix: "" })).toEqual({ keys: [], isMore: false, isPrivate: false });
  expect(counts()).toEqual({ blobs: 1, owners: 1 });
  await expect(blobs.get(mine.sha256, { owner: other })).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  await expect(blobs.get(theirs.sha256, { owner })).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  expect((await blobs.get(theirs.sha256, { owner: other })).bytes).toHaveLength(6);
  expect((await store.get(B, "k")).value).toBe(1);
  const traces = db.prepare("SELECT COUNT(*) AS n FROM storage_usage WHERE owner IN (?, ?)").get(A, owner);
  expect({ ...traces }).toEqual({ n: 0 });
  await store.clear(A);
});

test("[ST16] an entry that cannot be written keeps the value as it was", async () => {
  using harness = createStorageHarness();
  const { store, probe, note } = harness;
  await store.put(A, { key: "k", value: 1 }, { ...room, together: note("one") });
  probe.refuse = true;
  await expect(store.put(A, { key: "k", value: 22 }, { ...room, together: note("two") })).rejects.toThrow("refused");
  await expect(store.delete(A, "k", { together: note("three") })).rejects.toThrow("refused");
  expect((await store.get(A, "k")).value).toBe(1);
  expect(store.usage(A)).toEqual({ bytes: 2, entries: 1 });
  expect(probe.notes).toEqual(["one"]);
});
