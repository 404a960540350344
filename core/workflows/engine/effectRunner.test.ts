import { expect, test } from "vitest";
import type { Frame } from "../interpreter/index.ts";
import type { CallTask, Task } from "../language/index.ts";
import { EffectRunner, type EffectOrder } from "./effectRunner.ts";
import { EffectQueue } from "./effectQueue.ts";
import type { EventEmitter } from "./eventEmitter.ts";

const task = { type: "call", call: "llm", name: "ask", reference: "/do/0/ask", literals: {} } as unknown as CallTask;

function orderFor(wanted: Task): EffectOrder {
  const frame = {
    task: wanted,
    path: ".0",
    input: {},
    locals: { kind: "effect", effect: "pure", arguments: {} },
  } as unknown as Frame;
  return {
    runId: "run_1",
    definitionHash: "h",
    frame,
    simulated: false,
    tainted: false,
    onTaint: () => undefined,
    priority: 0,
    onWait: () => undefined,
    signal: new AbortController().signal,
    onText: () => undefined,
    onProgress: () => undefined,
  };
}

function createRunner(execute: () => Promise<never>, bugs: unknown[] = []): EffectRunner {
  return new EffectRunner({
    executors: new Map([["llm", { kind: "llm", effect: () => "idempotent", execute }]]),
    emitter: { emit: () => ({ output: null }) } as unknown as EventEmitter,
    children: { run: () => Promise.reject(new Error("no children here")) },
    queue: new EffectQueue({ places: 1 }),
    onBug: (error) => bugs.push(error),
  });
}

test("[WF21] a bug of ours is an internal error for the run, and the log has the rest", async () => {
  const bugs: unknown[] = [];
  const runner = createRunner(() => Promise.reject(new TypeError("x is not a function")), bugs);
  const report = await runner.run(orderFor(task));
  expect(report.outcome).toMatchObject({
    ok: false,
    error: { code: "LM_INTERNAL", detail: expect.not.stringContaining("x is not") },
  });
  expect(bugs).toHaveLength(1);
  expect(await runner.run(orderFor(task))).toMatchObject({ outcome: { ok: false } });
});

test("[WF30] a stopped effect is a cancelled one", async () => {
  const runner = createRunner(() => Promise.reject(new DOMException("stopped", "AbortError")));
  expect((await runner.run(orderFor(task))).outcome).toMatchObject({ ok: false, error: { code: "LM_CANCELLED" } });
});

test("[WF24] what nobody declares may act once; the task's own declaration counts first", async () => {
  const runner = createRunner(() => Promise.reject(new Error("unused")));
  expect(runner.effectOf({ ...task, call: "http" }, { args: {}, runId: "run_1" })).toBe("once");
  expect(runner.effectOf({ ...task, effect: "pure" }, { args: {}, runId: "run_1" })).toBe("pure");
  expect((await runner.run(orderFor({ ...task, call: "http" }))).outcome).toMatchObject({
    error: { code: "LM_INTERNAL" },
  });
  expect((await runner.run(orderFor({ ...task, type: "wait" } as unknown as Task))).outcome).toMatchObject({
    error: { code: "LM_INTERNAL" },
  });
});
