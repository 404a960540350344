import { readFileSync, readdirSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { createTempFolder } from "../testing/index.ts";
import { makeTgz, makeZip } from "./archives/testing.ts";
import { ArchiveReceiver } from "./receiveArchive.ts";

const NEVER = new AbortController().signal;
const TGZ = makeTgz([{ path: "plugin.json", content: "{}" }]);

test("[PL310] what comes in pieces of any size is a file that only the workbench reads, until it is disposed", async () => {
  using folder = createTempFolder();
  const receiver = new ArchiveReceiver(folder.path);
  for (const whole of [TGZ, makeZip([{ path: "a", content: "b" }])]) {
    const pieces = [...whole].map((byte) => Uint8Array.of(byte));
    await using archive = await receiver.receive({ bytes: pieces, name: "x", signal: NEVER });
    expect(readFileSync(archive.path)).toEqual(whole);
    expect(statSync(archive.path).mode & 0o777).toBe(0o600);
  }
  expect(readdirSync(folder.path)).toEqual([]);
});

const MIB = Buffer.alloc(1_048_576);
function* endless() {
  yield TGZ;
  for (;;) yield MIB;
}
async function* cutOff() {
  yield TGZ.subarray(0, 10);
  await Promise.reject(new Error("aborted"));
}

test.each<[what: string, bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, why: object]>([
  ["nothing", [], { code: "LM_PLUGIN_BUNDLE_INVALID" }],
  ["one byte", [TGZ.subarray(0, 1)], { code: "LM_PLUGIN_BUNDLE_INVALID" }],
  ["a program", [Buffer.from("#!/bin/sh\n")], { code: "LM_PLUGIN_BUNDLE_INVALID", message: /^it is neither/ }],
  ["more than a bundle may have", endless(), { code: "LM_TOO_LARGE", message: /67108864/ }],
  ["what was cut off", cutOff(), { message: /^aborted$/ }],
])("[PL311] %s leaves nothing", async (_what, bytes, { message = /./, ...why }: { message?: RegExp }) => {
  using folder = createTempFolder();
  const received = new ArchiveReceiver(folder.path).receive({ bytes, name: "it", signal: NEVER });
  await expect(received).rejects.toMatchObject({ ...why, message: expect.stringMatching(message) });
  expect(readdirSync(folder.path)).toEqual([]);
});

test("[PL311] a sender that went away leaves nothing, also when its stream ends as if it were whole", async () => {
  using folder = createTempFolder();
  const gone = new AbortController();
  const bytes = (function* () {
    yield TGZ;
    gone.abort(new Error("gone"));
  })();
  const received = new ArchiveReceiver(folder.path).receive({ bytes, name: "it", signal: gone.signal });
  await expect(received).rejects.toThrow("gone");
  expect(readdirSync(folder.path)).toEqual([]);
});

test("[PL310] four come at once, a fifth is told to wait, and there is room again after one", async () => {
  using folder = createTempFolder();
  const receiver = new ArchiveReceiver(folder.path);
  const end = Promise.withResolvers<undefined>();
  async function* slow() {
    yield TGZ;
    await end.promise;
  }
  const receive = () => receiver.receive({ bytes: slow(), name: "it", signal: NEVER });
  const four = [receive(), receive(), receive(), receive()];
  await expect(receive()).rejects.toMatchObject({ code: "LM_PLUGIN_BUSY" });
  end.resolve(undefined);
  for (const archive of await Promise.all(four)) await archive[Symbol.asyncDispose]();
  await (await receive())[Symbol.asyncDispose]();
  expect(readdirSync(folder.path)).toEqual([]);
});
