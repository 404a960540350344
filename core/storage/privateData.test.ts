import { expect, test } from "vitest";
import { createStorageHarness } from "./testing/storageHarness.ts";

const A = "org.example.a";
const B = "org.example.b";
const [OWNER_A, OWNER_B] = [`plugin:${A}`, `plugin:${B}`];
const room = { bytesMax: 10_000 };
const hidden = { ...room, isPrivate: true };
const media = "text/plain";

test("[ST17] a value says whether it is private, and is what it was replaced by", async () => {
  using harness = createStorageHarness();
  const { store } = harness;
  await store.put(A, { key: "open", value: 1 }, room);
  expect(await store.get(A, "open")).toEqual({ value: 1, isPrivate: false });
  await store.put(A, { key: "secret", value: 2 }, hidden);
  expect(await store.get(A, "secret")).toEqual({ value: 2, isPrivate: true });
  expect(await store.get(A, "open")).toEqual({ value: 1, isPrivate: false });
  await store.put(A, { key: "secret", value: 3 }, room);
  expect(await store.get(A, "secret")).toEqual({ value: 3, isPrivate: false });
  await store.put(A, { key: "open", value: 4 }, hidden);
  expect(await store.delete(A, "open")).toEqual({ existed: true, isPrivate: true });
  expect(await store.delete(A, "secret")).toEqual({ existed: true, isPrivate: false });
});

test("[ST18] where anything was kept or deleted so, what is missing and what is listed is private", async () => {
  using harness = createStorageHarness();
  const { store, blobs } = harness;
  await store.put(A, { key: "open", value: 1 }, room);
  const missing = async (plugin: string) => [
    await store.get(plugin, "none"),
    await store.delete(plugin, "none"),
    (await store.list(plugin, { prefix: "x" })).isPrivate,
    [store.isPrivate(plugin), blobs.isPrivate(`plugin:${plugin}`)],
  ];
  const whole = (isPrivate: boolean) => [
    { isPrivate },
    { existed: false, isPrivate },
    isPrivate,
    [isPrivate, isPrivate],
  ];
  expect(await missing(A)).toEqual(whole(false));
  await store.delete(A, "open", { isPrivate: true });
  expect(await missing(A)).toEqual(whole(true));
  expect(await missing(B)).toEqual(whole(false));
  await blobs.put(Buffer.from("x"), { owner: OWNER_B, media, isPrivate: true });
  expect(await missing(B)).toEqual(whole(true));
});

test("[ST17] a blob stays private when it is kept again or handed over", async () => {
  using harness = createStorageHarness();
  const { blobs } = harness;
  const put = (text: string, isPrivate: boolean) => blobs.put(Buffer.from(text), { owner: OWNER_A, media, isPrivate });
  const isPrivate = async (sha256: string, owner: string) => (await blobs.get(sha256, { owner })).isPrivate;
  const [open, secret] = [await put("open", false), await put("secret", true)];
  await put("secret", false);
  for (const { sha256 } of [open, secret]) await blobs.share(sha256, { from: OWNER_A, to: OWNER_B });
  for (const owner of [OWNER_A, OWNER_B])
    expect([await isPrivate(open.sha256, owner), await isPrivate(secret.sha256, owner)]).toEqual([false, true]);
  await put("open", true);
  expect(await isPrivate(open.sha256, OWNER_A)).toBe(true);
});

test("[ST19] forgetting takes what is private and nothing else, and commits with its entry", async () => {
  using harness = createStorageHarness();
  const { store, blobs, probe, note, counts } = harness;
  await Promise.all(
    Array.from({ length: 1_200 }, (_none, at) =>
      store.put(A, { key: `s${at}`, value: at }, { ...hidden, bytesMax: 1e6 }),
    ),
  );
  await store.put(A, { key: "open", value: 1 }, { bytesMax: 1e6 });
  await store.put(B, { key: "theirs", value: 1 }, hidden);
  const secret = await blobs.put(Buffer.from("secret"), { owner: OWNER_A, media, isPrivate: true });
  const open = await blobs.put(Buffer.from("open"), { owner: OWNER_A, media });
  await blobs.share(secret.sha256, { from: OWNER_A, to: OWNER_B });
  expect(store.keptPrivate(A)).toEqual({ sinceMs: expect.any(Number), values: 1_200, blobs: 1 });
  probe.refuse = true;
  await expect(store.forgetPrivate(A, { together: note("refused") })).rejects.toThrow("refused");
  expect(store.keptPrivate(A)?.values).toBe(1_200);
  probe.refuse = false;
  await store.forgetPrivate(A, { together: note("forgotten") });
  expect(probe.notes).toEqual(["forgotten"]);
  expect([store.keptPrivate(A), store.isPrivate(A)]).toEqual([undefined, false]);
  expect(await store.list(A, { prefix: "" })).toEqual({ keys: ["open"], isMore: false, isPrivate: false });
  expect(store.usage(A)).toEqual({ bytes: 5, entries: 1 });
  expect((await blobs.get(open.sha256, { owner: OWNER_A })).isPrivate).toBe(false);
  for (const owner of [OWNER_A, OWNER_B])
    await expect(blobs.get(secret.sha256, { owner })).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  expect(counts()).toEqual({ blobs: 1, owners: 1 });
  expect(store.keptPrivate(B)?.values).toBe(1);
});

test("[ST19] declassifying takes the labels and nothing else, also from what was handed over", async () => {
  using harness = createStorageHarness();
  const { store, blobs, probe, note } = harness;
  await store.put(A, { key: "s", value: "s" }, hidden);
  await store.put(B, { key: "s", value: "s" }, hidden);
  const { sha256 } = await blobs.put(Buffer.from("s"), { owner: OWNER_A, media, isPrivate: true });
  await blobs.share(sha256, { from: OWNER_A, to: OWNER_B });
  await store.declassify(A, { together: note("said") });
  expect(await store.get(A, "s")).toEqual({ value: "s", isPrivate: false });
  for (const owner of [OWNER_A, OWNER_B]) expect((await blobs.get(sha256, { owner })).isPrivate).toBe(false);
  expect([probe.notes, store.isPrivate(A), store.isPrivate(B)]).toEqual([["said"], false, true]);
  await store.clear(B);
  expect(store.isPrivate(B)).toBe(false);
});
