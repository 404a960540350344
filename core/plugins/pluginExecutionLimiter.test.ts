import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { FakeClock } from "../testing/index.ts";
import { PluginExecutionLimiter } from "./pluginExecutionLimiter.ts";

const FAULT = new Error("fell over");
const NEVER = new AbortController().signal;

function createLimiter(bounds = { concurrencyMax: 2, waitingMax: 2 }) {
  const clock = new FakeClock();
  const limiter = new PluginExecutionLimiter({ pluginId: "org.example.p", clock, ...bounds });
  const run = (tool: string, call: () => Promise<unknown>, signal: AbortSignal = NEVER) =>
    limiter.run(tool, { signal, call, isFailure: (error) => error === FAULT });
  const fail = () => run("t", () => Promise.reject(FAULT)).catch((error: unknown) => error);
  return { clock, limiter, run, fail };
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

test("[PL20] calls beyond the bound wait in order, and beyond the waiting ones are refused", async () => {
  const { run } = createLimiter();
  const gates = [1, 2, 3, 4].map(() => Promise.withResolvers<number>());
  const started: number[] = [];
  const calls = gates.map((gate, index) =>
    run("t", () => {
      started.push(index);
      return gate.promise;
    }),
  );
  await tick();
  expect(started).toEqual([0, 1]);
  await expect(run("t", () => Promise.resolve(9))).rejects.toMatchObject({
    code: "LM_PLUGIN_BUSY",
    message: "org.example.p has 2 calls in flight and 2 waiting. Try again later.",
  });
  gates[1]!.resolve(1);
  await calls[1];
  await tick();
  expect(started).toEqual([0, 1, 2]);
  for (const [index, gate] of gates.entries()) gate.resolve(index);
  expect(await Promise.all(calls)).toEqual([0, 1, 2, 3]);
  expect(await run("t", () => Promise.resolve("free"))).toBe("free");
});

test("[PL20] a waiting call that is cancelled leaves the queue and takes no turn", async () => {
  const { run } = createLimiter({ concurrencyMax: 1, waitingMax: 5 });
  const gate = Promise.withResolvers<string>();
  const first = run("t", () => gate.promise);
  const abort = new AbortController();
  const second = run("t", () => Promise.reject(new Error("must not run")), abort.signal);
  const third = run("t", () => Promise.resolve("third"));
  const reason = new Error("no longer wanted");
  abort.abort(reason);
  await expect(second).rejects.toBe(reason);
  gate.resolve("first");
  expect(await Promise.all([first, third])).toEqual(["first", "third"]);
  await expect(run("t", () => Promise.resolve(1), abort.signal)).rejects.toBe(reason);
  expect(await run("t", () => Promise.resolve("free"))).toBe("free");
});

test("[PL21] five failures in a row open the circuit of that tool alone, and one call tries after 30 s", async () => {
  const { clock, run, fail } = createLimiter();
  for (let count = 0; count < 5; count += 1) expect(await fail()).toBe(FAULT);
  expect(await fail()).toMatchObject({
    code: "LM_PLUGIN_CIRCUIT_OPEN",
    message: expect.stringMatching(/again in 30 s/),
  });
  expect(await run("other", () => Promise.resolve("fine"))).toBe("fine");
  await clock.advance(29_999);
  expect(await fail()).toBeInstanceOf(LogoMeshError);
  await clock.advance(1);
  const gate = Promise.withResolvers<string>();
  const trial = run("t", () => gate.promise);
  expect(await fail()).toMatchObject({ code: "LM_PLUGIN_CIRCUIT_OPEN" });
  gate.resolve("works");
  expect(await trial).toBe("works");
  for (let count = 0; count < 4; count += 1) expect(await fail()).toBe(FAULT);
  expect(await run("t", () => Promise.resolve("still closed"))).toBe("still closed");
});

test("[PL21] a trial that fails opens the circuit for another 30 s, one that was never made leaves it to the next", async () => {
  const { clock, run, fail } = createLimiter();
  for (let count = 0; count < 5; count += 1) await fail();
  await clock.advance(30_000);
  await expect(run("t", () => Promise.resolve(1), AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  expect(await fail()).toBe(FAULT);
  expect(await fail()).toMatchObject({ code: "LM_PLUGIN_CIRCUIT_OPEN" });
  await clock.advance(30_000);
  await expect(run("t", () => Promise.reject(new Error("caller's fault")))).rejects.toThrow("caller's fault");
  expect(await run("t", () => Promise.resolve("works"))).toBe("works");
});

test("[PL21] a call of before the circuit opened neither admits a second trial nor closes it when it ends badly", async () => {
  const { clock, run, fail } = createLimiter({ concurrencyMax: 9, waitingMax: 9 });
  const old = Promise.withResolvers<string>();
  const early = run("t", () => old.promise);
  for (let count = 0; count < 5; count += 1) await fail();
  await clock.advance(30_000);
  const gate = Promise.withResolvers<string>();
  const trial = run("t", () => gate.promise);
  old.reject(new Error("caller's fault"));
  await expect(early).rejects.toThrow("caller's fault");
  expect(await fail()).toMatchObject({ code: "LM_PLUGIN_CIRCUIT_OPEN" });
  gate.resolve("works");
  await trial;
});

test("[PL21] a release closes every circuit", async () => {
  const { limiter, run, fail } = createLimiter();
  for (let count = 0; count < 5; count += 1) await fail();
  limiter.reset();
  expect(await run("t", () => Promise.resolve("works"))).toBe("works");
});

test("[PL81] what runs, waits and failed is described, and closing the circuits lets calls in again", async () => {
  const { limiter, run, fail, clock } = createLimiter({ concurrencyMax: 1, waitingMax: 2 });
  const gate = Promise.withResolvers<string>();
  const calls = [run("u", () => gate.promise), run("u", () => Promise.resolve("2"))];
  await tick();
  const bounds = { runningMax: 1, waitingMax: 2 };
  expect(limiter.describe()).toEqual({ running: 1, waiting: 1, ...bounds, circuits: [] });
  gate.resolve("1");
  await Promise.all(calls);
  await fail();
  expect(limiter.describe().circuits).toEqual([{ tool: "t", state: "closed", failures: 1 }]);
  for (let count = 0; count < 4; count++) await fail();
  expect(limiter.describe().circuits).toEqual([{ tool: "t", state: "open", failures: 5, retryInMs: 30_000 }]);
  await clock.advance(30_000);
  expect(limiter.describe().circuits).toEqual([{ tool: "t", state: "half-open", failures: 5 }]);
  limiter.reset();
  expect(limiter.describe()).toEqual({ running: 0, waiting: 0, ...bounds, circuits: [] });
});
