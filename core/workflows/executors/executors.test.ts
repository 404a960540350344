import { expect, test } from "vitest";
import { createEngineHarness, workflow } from "../testing/engineHarness.ts";

test("[WF40] a tool answers structured content, JSON text or text; its own error is the step's", async () => {
  const harness = createEngineHarness();
  const answers = new Map<string, unknown>([
    ["object", { a: 1 }],
    ["json", "[1, 2]"],
    ["text", "plain 1"],
    ["number", "12"],
  ]);
  for (const [tool, value] of answers)
    harness.tools.set(`t#${tool}`, { effect: "pure", behave: () => value as string });
  const outputs: unknown[] = [];
  for (const tool of answers.keys()) {
    const run = await harness.run(workflow(`do: [ { a: { call: plugin, with: { plugin: t, tool: ${tool} } } } ]`));
    outputs.push(run.output);
  }
  expect(outputs).toEqual([{ a: 1 }, [1, 2], { text: "plain 1" }, { text: "12" }]);
  harness.tools.set("t#bad", { effect: "pure", behave: () => "! the pen is empty" });
  const failed = await harness.run(workflow(`do: [ { a: { call: plugin, with: { plugin: t, tool: bad } } } ]`));
  expect(failed.error).toMatchObject({ code: "LM_PLUGIN_TOOL_FAILED", detail: "t#bad: ! the pen is empty" });
  const entry = harness.audit.find(({ kind }) => kind === "step.completed");
  expect(entry).toMatchObject({
    trace: { task: "/do/0/a", plugin: "t", status: "completed" },
    data: { plugin: "t", tool: "object", version: "1.0.0", effect: "pure" },
    payload: { arguments: { bytes: "{}" }, result: { bytes: '{"a":1}' } },
  });
});

test("[WF40] a plugin that is not there is the step's fault", async () => {
  const run = await createEngineHarness().run(
    workflow(`do: [ { a: { call: plugin, with: { plugin: no, tool: x } } } ]`),
  );
  expect(run.error).toMatchObject({ code: "LM_PLUGIN_NOT_FOUND", type: expect.stringContaining("configuration") });
});

test("[WF41] a simulated answer marks the run and what it stores", async () => {
  const harness = createEngineHarness();
  harness.llm.simulated = true;
  const run = await harness.run(
    workflow(`do:
  - ask: { call: llm, with: { prompt: "\${ .topic }", model: fast, maxTokens: 20 } }
  - keep: { call: thought.create, with: { title: "\${ .text }" } }`),
    { topic: "tides" },
  );
  expect(run).toMatchObject({
    status: "completed",
    simulated: true,
    output: { title: "About tides", simulated: true },
  });
  const task = await harness.engine.getTask(run.id, 0);
  expect(task).toMatchObject({
    output: { text: "About tides", provider: "mock", model: "fast", simulated: true, finishReason: "stop" },
    details: { requestSeq: 1, responseSeq: 2, inputTokens: 3, outputTokens: 4 },
  });
});

test("[WF42] a thought is stored once with its step, and a wrong one faults before anything is stored", async () => {
  const harness = createEngineHarness();
  const run = await harness.run(workflow(`do: [ { a: { call: thought.create, with: { title: kept, tags: [x] } } } ]`));
  expect([run.status, harness.thoughts]).toEqual(["completed", ["kept"]]);
  const wrong = await harness.run(workflow(`do: [ { a: { call: thought.create, with: { title: "\${ .no }" } } } ]`));
  expect(wrong.error).toMatchObject({ code: "LM_INPUT_INVALID", detail: expect.stringContaining("/title") });
  expect(harness.thoughts).toEqual(["kept"]);
});
