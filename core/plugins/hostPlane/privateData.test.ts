import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import type { OwnFolder } from "./processTaint.ts";
import { PLUGIN, PlayedPlane } from "./testing/playedPlane.ts";

const OTHER = "org.example.other";
const SMALL = { store: { max_bytes: 100, why: "for the test" } };

/** A fresh process over the stores of another one. */
function play(after?: PlayedPlane, options: { folder?: OwnFolder } = {}): PlayedPlane {
  const played = new PlayedPlane(
    after === undefined ? {} : { store: after.store, blobs: after.blobs },
    options,
  ).listen();
  onTestFinished(() => played[Symbol.dispose]());
  played.grant(SMALL);
  return played;
}

async function playTainted(after?: PlayedPlane): Promise<PlayedPlane> {
  const played = play(after);
  await played.taint.add();
  return played;
}

const content = (answer: { result?: JsonObject }): JsonObject => (answer.result?.structuredContent ?? {}) as JsonObject;

test("[HP60] what a tainted process kept taints the next one that reads it, and nothing else does", async () => {
  const first = play();
  await first.call("store_put", { key: "before", value: "harmless" });
  await first.taint.add();
  await first.call("store_put", { key: "diary", value: "secret" });
  const next = play(first);
  expect(content(await next.call("store_get", { key: "before" }))).toEqual({ found: true, value: "harmless" });
  expect(next.taint.isSet).toBe(false);
  expect(content(await next.call("store_get", { key: "diary" }))).toEqual({ found: true, value: "secret" });
  expect(next.taint.isSet).toBe(true);
  expect(next.audit.entries.map(({ data }) => data?.tainted)).toEqual([undefined, true]);
});

test.each<[string, JsonObject, (answer: JsonObject) => void]>([
  ["store_get", { key: "none" }, (answer) => expect(answer).toEqual({ found: false })],
  ["store_delete", { key: "none" }, (answer) => expect(answer).toEqual({ deleted: false })],
  ["store_list", { prefix: "none" }, (answer) => expect(answer).toEqual({ keys: [], isMore: false })],
  ["store_put", { key: "k", value: "x".repeat(200) }, (answer) => expect(answer).toEqual({})],
  ["blob_put", { base64: Buffer.alloc(200).toString("base64") }, (answer) => expect(answer).toEqual({})],
  ["blob_get", { handle: `logomesh://blob/${"0".repeat(64)}` }, (answer) => expect(answer.code).toBe("LM_NOT_FOUND")],
])("[HP60] %s: what is missing tells what a tainted process kept, and only then", async (tool, args, assertAnswer) => {
  const clean = play();
  await clean.call("store_put", { key: "open", value: 1 });
  const control = play(clean);
  assertAnswer(content(await control.call(tool, args)));
  expect(control.taint.isSet).toBe(false);
  const tainted = await playTainted(clean);
  await tainted.call("store_delete", { key: "open" });
  const next = play(clean);
  assertAnswer(content(await next.call(tool, args)));
  expect(next.taint.isSet).toBe(true);
});

test("[HP60] bytes keep the label over a restart, and whoever hands them on", async () => {
  const first = await playTainted();
  const { handle = "" } = content(await first.call("blob_put", { base64: "c2VjcmV0" }));
  const open = content(await play(first).call("blob_put", { base64: "b3Blbg==" }));
  const next = play(first);
  await next.call("blob_get", { handle: open.handle ?? "" });
  expect(next.taint.isSet).toBe(false);
  await next.call("blob_get", { handle });
  expect(next.taint.isSet).toBe(true);
  const sha256 = (handle as string).slice(-64);
  await first.blobs.share(sha256, { from: `plugin:${PLUGIN}`, to: `plugin:${OTHER}` });
  expect((await first.blobs.get(sha256, { owner: `plugin:${OTHER}` })).isPrivate).toBe(true);
});

test("[HP61] nothing private is handed out before the folder is marked on disk, or when it cannot be", async () => {
  const marking = Promise.withResolvers<undefined>();
  let marks = 0;
  const folder: OwnFolder = {
    isPrivate: () => false,
    markPrivate: () => ((marks += 1), marking.promise.then(() => undefined)),
  };
  const kept = await playTainted();
  await kept.call("store_put", { key: "diary", value: "secret" });
  const played = play(kept, { folder });
  const asked = played.call("store_get", { key: "diary" });
  await played.settle();
  expect([marks, played.messages, played.taint.isSet]).toEqual([1, [], true]);
  marking.resolve(undefined);
  expect(content(await asked)).toEqual({ found: true, value: "secret" });
  const full = () => Promise.reject(new LogoMeshError("LM_DB_FULL", "The disk is full."));
  const refused = play(kept, { folder: { isPrivate: () => false, markPrivate: full } });
  expect(content(await refused.call("store_get", { key: "diary" }))).toMatchObject({ code: "LM_DB_FULL" });
  expect(JSON.stringify(refused.messages)).not.toContain("secret");
});

test("[HP61] a process beside the one that was tainted is tainted as well", () => {
  let isPrivate = false;
  const played = play(undefined, { folder: { isPrivate: () => isPrivate, markPrivate: () => Promise.resolve() } });
  expect(played.taint.isSet).toBe(false);
  isPrivate = true;
  expect(played.taint.isSet).toBe(true);
});
