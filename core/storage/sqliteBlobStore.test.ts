import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256Hex } from "../base/index.ts";
import { createStorageHarness } from "./testing/storageHarness.ts";

const A = "plugin:org.example.a";
const B = "plugin:org.example.b";
const C = "plugin:org.example.c";
const media = "application/octet-stream";
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test("[ST1] bytes come back as they were, under their SHA-256, whatever they are a part of", async () => {
  using harness = createStorageHarness();
  const { blobs } = harness;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.nat(20), async (bytes, offset) => {
      const larger = new Uint8Array(bytes.length + 40);
      larger.set(bytes, offset);
      const view = larger.subarray(offset, offset + bytes.length);
      const { sha256 } = await blobs.put(view, { owner: A, media });
      expect(sha256).toBe(sha256Hex(bytes));
      const read = await blobs.get(sha256, { owner: A });
      expect(Buffer.from(read.bytes).equals(Buffer.from(bytes))).toBe(true);
      expect(read.media).toBe(media);
    }),
    { seed: 11, numRuns: 100 },
  );
});

test("[ST1] writing on in the array after put changes nothing", async () => {
  using harness = createStorageHarness();
  const { blobs } = harness;
  const bytes = Buffer.from("before");
  const putting = blobs.put(bytes, { owner: A, media });
  bytes.write("AFTER!");
  const { sha256 } = await putting;
  expect(sha256).toBe(sha256Hex("before"));
  expect(Buffer.from((await blobs.get(sha256, { owner: A })).bytes).toString()).toBe("before");
});

test("[ST1] a large blob and an empty one come back", async () => {
  using harness = createStorageHarness();
  const { blobs } = harness;
  for (const length of [0, 256 * 1024, 256 * 1024 + 1, 3_000_000]) {
    const bytes = Buffer.alloc(length, "x\0y");
    const { sha256 } = await blobs.put(bytes, { owner: A, media });
    expect(Buffer.compare((await blobs.get(sha256, { owner: A })).bytes, bytes)).toBe(0);
  }
});

test("[ST2] the same bytes are stored once, each owner says what they are", async () => {
  using harness = createStorageHarness();
  const { blobs, counts } = harness;
  const { sha256 } = await blobs.put(bytesOf("x"), { owner: A, media: "text/plain" });
  await blobs.put(bytesOf("x"), { owner: B, media: 'text/csv; charset="utf 8"; header=present' });
  expect(counts()).toEqual({ blobs: 1, owners: 2 });
  expect((await blobs.get(sha256, { owner: B })).media).toContain("csv");
  await blobs.put(bytesOf("x"), { owner: A, media: "text/markdown" });
  expect((await blobs.get(sha256, { owner: A })).media).toBe("text/markdown");
  expect([blobs.usage(A), blobs.usage(B), blobs.usage(C)]).toEqual([
    { bytes: 1, entries: 1 },
    { bytes: 1, entries: 1 },
    { bytes: 0, entries: 0 },
  ]);
});

test("[ST3] a stranger cannot tell whether a blob exists", async () => {
  using harness = createStorageHarness();
  const { blobs } = harness;
  const { sha256 } = await blobs.put(bytesOf("secret"), { owner: A, media });
  const missing = sha256Hex("nothing");
  const said = async (hash: string): Promise<string> =>
    blobs.get(hash, { owner: B }).then(
      () => "read",
      (error: unknown) => String(error).replace(hash, "<hash>"),
    );
  expect(await said(sha256)).toBe(await said(missing));
  await expect(blobs.get(sha256, { owner: B })).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  await expect(blobs.share(sha256, { from: B, to: C })).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  expect(await blobs.delete(sha256, { owner: B })).toBe(false);
  expect((await blobs.get(sha256, { owner: A })).bytes).toHaveLength(6);
});

test("[ST4] what was handed over, also onwards, ends when the payer deletes it", async () => {
  using harness = createStorageHarness();
  const { blobs, counts } = harness;
  const { sha256 } = await blobs.put(bytesOf("x"), { owner: A, media });
  await blobs.share(sha256, { from: A, to: B });
  await blobs.share(sha256, { from: A, to: B });
  await blobs.share(sha256, { from: B, to: C });
  await blobs.share(sha256, { from: B, to: A });
  expect(blobs.usage(B)).toEqual({ bytes: 0, entries: 0 });
  expect(await blobs.delete(sha256, { owner: B })).toBe(true);
  expect((await blobs.get(sha256, { owner: C })).bytes).toHaveLength(1);
  expect(await blobs.delete(sha256, { owner: A })).toBe(true);
  await expect(blobs.get(sha256, { owner: C })).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  expect(counts()).toEqual({ blobs: 0, owners: 0 });
});

test("[ST4] who stored it too, or has it from somebody else, keeps it", async () => {
  using harness = createStorageHarness();
  const { blobs } = harness;
  const { sha256 } = await blobs.put(bytesOf("x"), { owner: A, media });
  await blobs.put(bytesOf("x"), { owner: B, media });
  await blobs.share(sha256, { from: A, to: C });
  await blobs.share(sha256, { from: B, to: C });
  await blobs.share(sha256, { from: A, to: B });
  await blobs.delete(sha256, { owner: A });
  expect((await blobs.get(sha256, { owner: B })).bytes).toHaveLength(1);
  expect((await blobs.get(sha256, { owner: C })).bytes).toHaveLength(1);
});

test("[ST5] a blob goes with its last owner", async () => {
  using harness = createStorageHarness();
  const { blobs, counts } = harness;
  const { sha256 } = await blobs.put(bytesOf("x"), { owner: A, media });
  await blobs.put(bytesOf("x"), { owner: B, media });
  await blobs.delete(sha256, { owner: A });
  expect(counts()).toEqual({ blobs: 1, owners: 1 });
  await blobs.delete(sha256, { owner: B });
  expect(counts()).toEqual({ blobs: 0, owners: 0 });
  expect(await blobs.delete(sha256, { owner: B })).toBe(false);
});

test("[ST6] what is too large or too much is refused by number and changes nothing", async () => {
  using harness = createStorageHarness();
  const { blobs, counts, db } = harness;
  await expect(blobs.put(new Uint8Array(64 * 1024 * 1024 + 1), { owner: A, media })).rejects.toMatchObject({
    code: "LM_TOO_LARGE",
    message: expect.stringContaining("67108864"),
  });
  await blobs.put(bytesOf("123456"), { owner: A, media, ownerBytesMax: 10 });
  await expect(blobs.put(bytesOf("12345"), { owner: A, media, ownerBytesMax: 10 })).rejects.toMatchObject({
    code: "LM_BLOB_QUOTA",
    message: expect.stringContaining("10"),
  });
  await blobs.put(bytesOf("123456"), { owner: A, media, ownerBytesMax: 10 });
  db.exec(`UPDATE storage_usage SET bytes = 536870912 WHERE owner = '${A}'`);
  await expect(blobs.put(bytesOf("y"), { owner: A, media, ownerBytesMax: 1e12 })).rejects.toMatchObject({
    code: "LM_BLOB_QUOTA",
    message: expect.stringContaining("536870912"),
  });
  db.exec(`UPDATE storage_usage SET bytes = 6, entries = 10000 WHERE owner = '${A}'`);
  await expect(blobs.put(bytesOf("y"), { owner: A, media })).rejects.toMatchObject({ code: "LM_BLOB_QUOTA" });
  expect(counts()).toEqual({ blobs: 1, owners: 1 });
});

test("[ST6] one payer cannot fill another's hands", async () => {
  using harness = createStorageHarness();
  const { blobs } = harness;
  const hashes = await Promise.all(
    Array.from({ length: 1001 }, (_none, index) => blobs.put(bytesOf(`${index}`), { owner: A, media })),
  );
  for (const { sha256 } of hashes.slice(0, 1000)) await blobs.share(sha256, { from: A, to: B });
  const last = hashes[1000]!.sha256;
  await expect(blobs.share(last, { from: A, to: B })).rejects.toMatchObject({ code: "LM_BLOB_QUOTA" });
  await expect(blobs.get(last, { owner: B })).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  await blobs.share(last, { from: A, to: C });
  const { sha256 } = await blobs.put(bytesOf("other"), { owner: C, media });
  await blobs.share(sha256, { from: C, to: B });
});

test.each([
  ["no media", { media: "png" }],
  ["a line break", { media: "text/plain\r\nx: y" }],
  ["a long media type", { media: `text/${"x".repeat(200)}` }],
  ["no owner", { owner: "org.example.a" }],
  ["a space in the owner", { owner: "plugin:a b" }],
  ["a long owner", { owner: `plugin:${"x".repeat(300)}` }],
])("[ST7] %s is refused", async (_name, change) => {
  using harness = createStorageHarness();
  await expect(harness.blobs.put(bytesOf("x"), { owner: A, media, ...change })).rejects.toMatchObject({
    code: "LM_INPUT_INVALID",
  });
});

test.each(["", "x".repeat(64), "A".repeat(64), `${"a".repeat(64)}\n`, "../etc/passwd"])(
  "[ST7] %j is no hash",
  async (hash) => {
    using harness = createStorageHarness();
    const refused = { code: "LM_INPUT_INVALID" };
    await expect(harness.blobs.get(hash, { owner: A })).rejects.toMatchObject(refused);
    await expect(harness.blobs.share(hash, { from: A, to: B })).rejects.toMatchObject(refused);
    await expect(harness.blobs.delete(hash, { owner: A })).rejects.toMatchObject(refused);
  },
);

test("[ST14] totals equal what is stored after any sequence of operations", async () => {
  const owner = fc.constantFrom(A, B, C);
  const content = fc.constantFrom("", "a", "bb", "ccc");
  const operation = fc.oneof(
    fc.record({ do: fc.constant("put" as const), owner, content }),
    fc.record({ do: fc.constant("share" as const), owner, to: owner, content }),
    fc.record({ do: fc.constant("delete" as const), owner, content }),
    fc.record({ do: fc.constant("clear" as const), owner }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
      using harness = createStorageHarness();
      const { blobs, store, db } = harness;
      for (const step of operations) {
        if (step.do === "put") await blobs.put(bytesOf(step.content), { owner: step.owner, media });
        if (step.do === "clear") await store.clear(step.owner.slice("plugin:".length));
        if (step.do === "delete") await blobs.delete(sha256Hex(step.content), { owner: step.owner });
        if (step.do === "share")
          await blobs.share(sha256Hex(step.content), { from: step.owner, to: step.to }).catch((error: unknown) => {
            expect(error).toMatchObject({ code: "LM_NOT_FOUND" });
          });
      }
      const real = db.prepare(
        "SELECT COALESCE(SUM(size), 0) AS bytes, COUNT(*) AS entries FROM blob_owner WHERE owner = ?1 AND payer = ?1",
      );
      for (const name of [A, B, C]) expect(blobs.usage(name)).toEqual({ ...real.get(name) });
      const loose = "SELECT COUNT(*) AS n FROM blob WHERE sha256 NOT IN (SELECT sha256 FROM blob_owner)";
      expect({ ...db.prepare(loose).get() }).toEqual({ n: 0 });
      const unpaid = `SELECT COUNT(*) AS n FROM blob_owner o WHERE NOT EXISTS
        (SELECT 1 FROM blob_owner p WHERE p.owner = o.payer AND p.payer = o.payer AND p.sha256 = o.sha256)`;
      expect({ ...db.prepare(unpaid).get() }).toEqual({ n: 0 });
    }),
    { seed: 5, numRuns: 60 },
  );
});

test("[ST16] what is passed along is committed with the change or not at all", async () => {
  using harness = createStorageHarness();
  const { blobs, counts, probe, note } = harness;
  const { sha256 } = await blobs.put(bytesOf("x"), { owner: A, media, together: note("put") });
  await blobs.share(sha256, { from: A, to: B, together: note("share") });
  await expect(blobs.share(sha256, { from: C, to: B, together: note("stranger") })).rejects.toThrow();
  expect(probe.notes).toEqual(["put", "share"]);
  probe.refuse = true;
  await expect(blobs.put(bytesOf("y"), { owner: A, media, together: note("") })).rejects.toThrow("refused");
  await expect(blobs.delete(sha256, { owner: A, together: note("") })).rejects.toThrow("refused");
  expect(counts()).toEqual({ blobs: 1, owners: 2 });
  expect(blobs.usage(A)).toEqual({ bytes: 1, entries: 1 });
});
