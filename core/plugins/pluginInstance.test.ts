import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { NOBODY, TOOL, playInstance } from "./testing/playedInstance.ts";

test("[PL32] after 3 s of silence a plugin is unresponsive, until it says anything", async () => {
  const { clock, instance, asked, say, call, changes } = playInstance();
  const result = call();
  await clock.advance(999);
  expect(asked("ping")).toEqual([]);
  await clock.advance(1);
  expect(asked("ping")).toHaveLength(1);
  await clock.advance(1_999);
  expect(instance.isUnresponsive).toBe(false);
  await clock.advance(1);
  expect([instance.isUnresponsive, changes()]).toEqual([true, 1]);
  await say({ id: asked("ping")[0], result: {} });
  await clock.advance(1_000);
  expect([instance.isUnresponsive, changes()]).toEqual([false, 2]);
  await say({ id: 1, result: { content: [] } });
  expect(await result).toMatchObject({ content: [], isError: false });
});

test("[PL32] a plugin without calls may be silent", async () => {
  const { clock, instance, asked, say, call } = playInstance();
  const result = call();
  await say({ id: 1, result: {} });
  await result;
  await clock.advance(60_000);
  expect([instance.isUnresponsive, asked("ping").length, clock.nextTimerMs()]).toEqual([false, 0, undefined]);
});

test("[PL18] a plugin that answers no ping after a cancel ends with the calls of others", async () => {
  const { process, clock, asked, call } = playInstance();
  const other = call();
  const late = call(50);
  await clock.advance(50);
  await expect(late).rejects.toMatchObject({ code: "LM_PLUGIN_TIMEOUT" });
  expect(asked("notifications/cancelled")).toHaveLength(1);
  await clock.advance(999);
  expect(process.isKilled).toBe(false);
  await clock.advance(1);
  expect(process.isKilled).toBe(true);
  await expect(other).rejects.toMatchObject({
    code: "LM_PLUGIN_STOPPED",
    message: expect.stringContaining("might go on"),
  });
});

test("[PL18] while it answers pings the calls of others end first; “method not found” is an answer too", async () => {
  const { process, clock, asked, say, call } = playInstance();
  const other = call();
  const late = call(50);
  await clock.advance(50);
  await expect(late).rejects.toMatchObject({ code: "LM_PLUGIN_TIMEOUT" });
  for (let second = 0; second < 5; second += 1) {
    for (const id of asked("ping")) await say({ id, error: { code: -32601, message: "method not found" } });
    await clock.advance(500);
  }
  expect(process.isKilled).toBe(false);
  await say({ id: 1, result: {} });
  await other;
  await clock.advance(1_000);
  expect(process.isKilled).toBe(true);
});

test("[PL18] a call whose signal was aborted before is told so and rejects with its reason", async () => {
  const { clock, instance, asked } = playInstance();
  const reason = new Error("too late");
  const result = instance.call(TOOL, {}, { signal: AbortSignal.abort(reason), timeoutMs: 1_000, meta: {}, ...NOBODY });
  await expect(result).rejects.toBe(reason);
  await clock.advance(0);
  expect(asked("notifications/cancelled")).toHaveLength(1);
});

test("[PL28] a plugin that ignores its closed stdin is killed after 2 s", async () => {
  const { process, clock, instance, call } = playInstance();
  const result = call();
  const stopped = instance.stop("it was unloaded");
  await expect(result).rejects.toMatchObject({
    code: "LM_PLUGIN_STOPPED",
    message: "org.example.p was stopped: it was unloaded.",
  });
  expect(process.stdin.writableEnded).toBe(true);
  await clock.advance(1_999);
  expect(process.isKilled).toBe(false);
  await clock.advance(1);
  await stopped;
  expect(process.isKilled).toBe(true);
  await instance.stop("again");
  instance.kill(new LogoMeshError("LM_PLUGIN_STOPPED", "again"));
});

test("[PL28] draining waits for the calls in flight, and no longer than it may", async () => {
  const { clock, instance, say, call } = playInstance();
  await instance.drain(1_000);
  const result = call();
  let isDrained = false;
  void instance.drain(5_000).then(() => (isDrained = true));
  await clock.advance(1_000);
  expect(isDrained).toBe(false);
  await say({ id: 1, result: {} });
  await result;
  await clock.advance(0);
  expect(isDrained).toBe(true);
  void call();
  const tooLong = instance.drain(5_000);
  await clock.advance(5_000);
  await tooLong;
  expect(instance.callsInFlight).toBe(1);
});

test("[PL19] memory above the limit is its own cause, and the last lines say what went on", async () => {
  const { process, instance, call } = playInstance();
  const result = call();
  process.stderr.write("loading everything\n    at one\n    at two\nNode.js v24.0.0\n");
  await new Promise((resolve) => setImmediate(resolve));
  process.end({ code: null, signal: "SIGKILL", cause: "memory" });
  await expect(result).rejects.toMatchObject({
    code: "LM_PLUGIN_MEMORY",
    message: "org.example.p used more than its 256 MiB of memory and was stopped. Its last lines: loading everything",
  });
  expect(await instance.ended).toMatchObject({ code: "LM_PLUGIN_MEMORY" });
  expect(instance.logLines()).toHaveLength(4);
});
