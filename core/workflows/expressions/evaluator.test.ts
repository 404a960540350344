import { Worker } from "node:worker_threads";
import { afterAll, expect, test } from "vitest";
import type { JsonValue } from "@logomesh/contracts";
import { ExpressionEvaluator } from "./evaluator.ts";
import { compileExpression } from "./expression.ts";
import { runJqJob, type JqEngine } from "./jqJob.ts";
import { JqReference, packInput } from "./jqReference.ts";
import { compileTemplate, isExpressionText } from "./template.ts";

const evaluator = new ExpressionEvaluator();
afterAll(() => {
  evaluator[Symbol.dispose]();
});

const noFault = (path: (string | number)[], error: Error): never => {
  throw new Error(`${path.join("/")}: ${error.message}`);
};

function evaluate(
  source: string,
  input: JsonValue = null,
  variables: Record<string, JsonValue> = {},
): JsonValue | Promise<JsonValue> {
  return evaluator.evaluate(compileExpression(source), input, variables);
}

test("[EX2] the compiled form answers at once, the reference by a promise", async () => {
  expect(evaluate(".a + 1", { a: 1 })).toBe(2);
  const promised = evaluate('[.[] | test("^a")]', ["ab", "b"]);
  expect(promised).toBeInstanceOf(Promise);
  expect(await promised).toEqual([true, false]);
});

test("[EX5] the reference gets the variables that the program names, as data", async () => {
  const variables = { input: { q: "\\(now) ${ .x } ' \" ) | env" }, context: 5, other: 1 };
  expect(await evaluate("def f: $input.q; [f, $context]", null, variables)).toEqual([
    "\\(now) ${ .x } ' \" ) | env",
    5,
  ]);
  await expect(evaluate("def f: $nothing; f", null, variables)).rejects.toMatchObject({
    code: "LM_WORKFLOW_EXPRESSION",
    message: expect.stringContaining("$nothing is not defined") as string,
  });
  await expect(evaluate("def f: 1; $x", null, variables)).rejects.toMatchObject({ code: "LM_WORKFLOW_EXPRESSION" });
});

test("[EX5] the reference gives the first output, null for none, and no minus zero", async () => {
  expect(await evaluate("def f: 7, 8; f")).toBe(7);
  expect(await evaluate("def f: empty; f")).toBeNull();
  expect(JSON.stringify(await evaluate('[-0, -0.0, "-0", -0.5, {a: -0}]'))).toBe('[0,0,"-0",-0.5,{"a":0}]');
  expect(Object.is(await evaluate("-(.)", 0), 0)).toBe(true);
});

test("[EX6] an error of the reference has jq's words without its prefix", async () => {
  await expect(evaluate("def f: . + 1; f", "a")).rejects.toMatchObject({
    code: "LM_WORKFLOW_EXPRESSION",
    message: 'string ("a") and number (1) cannot be added in the expression def f: . + 1; f',
  });
  await expect(evaluate("def f: error({a: 1}); f")).rejects.toThrow('{"a":1} in the expression');
});

test("[EX4] the reference sees no environment of the workbench", async () => {
  using reference = new JqReference();
  process.env.LOGOMESH_CANARY = "canary";
  const outcome = await reference.run({ program: "env | tojson", check: false, input: "null", outputCharsMax: 10_000 });
  delete process.env.LOGOMESH_CANARY;
  expect(outcome).toMatchObject({ kind: "value", value: expect.stringContaining("HOME") as string });
  expect(JSON.stringify(outcome)).not.toContain("canary");
});

test("[EX8] a program that runs too long is stopped, and the next one is answered", async () => {
  await expect(evaluate("def f: f; f")).rejects.toMatchObject({
    code: "LM_WORKFLOW_EXPRESSION_LIMIT",
    message: "jq took longer than 1000 ms. Expression: def f: f; f",
  });
  const [slow, quick] = await Promise.allSettled([
    evaluate('[range(1e9)] | length | tostring | test("1")'),
    evaluate("def f: 3; f"),
  ]);
  expect(slow).toMatchObject({ status: "rejected", reason: { code: "LM_WORKFLOW_EXPRESSION_LIMIT" } });
  expect(quick).toEqual({ status: "fulfilled", value: 3 });
});

test("[EX8] a result above the limit is refused with its size", async () => {
  await expect(evaluate('def f: "abcdefgh" * 1100000; f')).rejects.toMatchObject({
    code: "LM_WORKFLOW_EXPRESSION_LIMIT",
    message: expect.stringMatching(
      /^The result has 880000\d characters, at most 8388608 are allowed\. Expression:/,
    ) as string,
  });
});

test("[EX8] a worker that breaks or does not start is replaced, and says so", async () => {
  using broken = new JqReference(new URL("data:text/javascript,throw new Error('no jq here')"));
  const job = { program: ".", check: false, input: "1", outputCharsMax: 10 };
  expect(await broken.run(job)).toEqual({ kind: "limit", message: "jq stopped: no jq here." });
  expect(await broken.run(job)).toEqual({ kind: "limit", message: "jq stopped: no jq here." });
});

test("[EX8] a closed evaluator refuses what waits and what comes", async () => {
  const closing = new ExpressionEvaluator();
  const waiting = ["def f: f; f", "def f: 1; f"].map(async (source) =>
    closing.evaluate(compileExpression(source), null, {}),
  );
  const settled = Promise.allSettled(waiting);
  closing[Symbol.dispose]();
  for (const outcome of await settled)
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "LM_CANCELLED" } });
  await expect(closing.evaluate(compileExpression("def f: 1; f"), null, {})).rejects.toMatchObject({
    code: "LM_CANCELLED",
  });
  const unused = new ExpressionEvaluator();
  unused[Symbol.dispose]();
});

test("[EX8] at most 10,000 programs wait", async () => {
  using reference = new JqReference();
  const job = { program: ".", check: false, input: "1", outputCharsMax: 10 };
  const waiting = Array.from({ length: 10_001 }, () => reference.run(job));
  await expect(reference.run(job)).rejects.toMatchObject({ code: "LM_WORKFLOW_EXPRESSION_LIMIT", retryable: true });
  reference[Symbol.dispose]();
  expect((await Promise.allSettled(waiting)).every(({ status }) => status === "rejected")).toBe(true);
});

test("[EX3] real jq judges what is not compiled, with its own words", async () => {
  expect(await evaluator.check("def f: 1; f | $input | $x")).toBeUndefined();
  expect(await evaluator.check("def f: ; f")).toMatch(/^(jq: error: )?syntax error, unexpected ';'/);
  expect(await evaluator.check("nothing_such(1)")).toContain("nothing_such/1 is not defined");
  // It is compiled, not run.
  expect(await evaluator.check('def f: f; f | error("x")')).toBeUndefined();
});

test("[EX5] only ${ } around the whole text makes an expression; everything else is a literal", () => {
  expect(isExpressionText(" ${ .a }\n")).toBe(true);
  expect(isExpressionText("a ${ .a }")).toBe(false);
  const template = compileTemplate(
    { a: "${ .x }", b: ["x ${ .x }", "${ [.x, 1] }"], c: { d: true } },
    { onFault: noFault },
  );
  expect(evaluator.evaluateTemplate(template, { x: "${ .y }" }, {})).toEqual({
    a: "${ .y }",
    b: ["x ${ .x }", ["${ .y }", 1]],
    c: { d: true },
  });
  const literal = compileTemplate({ a: [1, { b: null }] }, { onFault: noFault });
  expect(literal).toEqual({ kind: "literal", value: { a: [1, { b: null }] } });
  expect(evaluator.evaluateTemplate(literal, null, {})).toEqual({ a: [1, { b: null }] });
});

test("[EX5] a field that is an expression needs no ${ }; texts within it do", () => {
  expect(compileTemplate(".a", { bareText: true, onFault: noFault }).kind).toBe("expression");
  expect(compileTemplate({ a: ".a", b: [".b"] }, { bareText: true, onFault: noFault }).kind).toBe("literal");
});

test("[EX3] every faulty text of a template is reported with its path, and stays a literal", () => {
  const faults: string[] = [];
  const template = compileTemplate(
    { a: "${ .a ", b: "${ ( }", c: [{ d: "${ now }" }] },
    { onFault: (path, error) => faults.push(`${path.join("/")}: ${error.message}`) },
  );
  expect(faults).toEqual([
    "b: Unexpected end of the expression (at character 4)",
    "c/0/d: “now” is not allowed: its result depends on when or where it runs and could not be replayed (at character 2)",
  ]);
  expect(template.kind).toBe("literal");
});

test("[EX5] a template with parts for the reference waits for all of them", async () => {
  const template = compileTemplate(
    { a: "${ def f: .x; f }", b: ["${ .x }", "${ @base64 }"], __proto__x: 1 },
    { onFault: noFault },
  );
  expect(await evaluator.evaluateTemplate(template, { x: 1 }, {})).toEqual({
    a: 1,
    b: [1, "eyJ4IjoxfQ=="],
    __proto__x: 1,
  });
});

test("[EX8] outcomes of jq are told apart: value, error, fault in the program, too large", () => {
  const engine = (stdout: string, stderr = "", exitCode = 0): JqEngine => ({
    raw: () => ({ stdout, stderr, exitCode }),
  });
  const job = { program: ".", check: false, input: packInput(1, { a: 2 }), outputCharsMax: 5 };
  expect(job.input).toBe('{"i":1,"v":{"a":2}}');
  expect(runJqJob(engine("[1]\n"), job)).toEqual({ kind: "value", value: [1] });
  expect(runJqJob(engine(""), job)).toEqual({ kind: "value", value: null });
  expect(runJqJob(engine("123456"), job)).toEqual({
    kind: "limit",
    message: "The result has 6 characters, at most 5 are allowed.",
  });
  expect(runJqJob(engine("", "jq: error (at <stdin>:1) (not a string): [1]\nmore", 5), job)).toEqual({
    kind: "error",
    message: "[1]",
    syntax: false,
  });
  expect(runJqJob(engine("", "jq: error: x/0 is not defined at <top-level>\n", 3), job)).toEqual({
    kind: "error",
    message: "x/0 is not defined at <top-level>",
    syntax: true,
  });
  expect(runJqJob(engine("", "", 5), job)).toEqual({
    kind: "error",
    message: "jq failed without a message",
    syntax: false,
  });
});

test("[EX8] the entry of the worker says when it is ready, then answers jobs", async () => {
  const worker = new Worker(new URL("./jqWorkerEntry.ts", import.meta.url), { env: {} });
  const next = (): Promise<unknown> => new Promise((resolve) => worker.once("message", resolve));
  expect(await next()).toEqual({ kind: "ready" });
  worker.postMessage({ program: ". + 1", check: false, input: "1", outputCharsMax: 10 });
  expect(await next()).toEqual({ kind: "value", value: 2 });
  await worker.terminate();
});
