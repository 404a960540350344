import { expect, test } from "vitest";
import type { JsonValue } from "@logomesh/contracts";
import { hostOf } from "./collectGrants.ts";
import {
  canonicalErrorType,
  collectGrants,
  parseDuration,
  parseWorkflow,
  sameErrorType,
  standardError,
  type CallTask,
  type WorkflowDefinition,
} from "./index.ts";
import { listsOf } from "./parseWorkflow.ts";
import { toPointer } from "./problems.ts";

const HEAD = "document: { dsl: 1.0.3, namespace: test, name: w, version: 1.0.0 }\n";

function parse(text: string): WorkflowDefinition {
  const { definition, problems } = parseWorkflow(HEAD + text);
  expect(problems).toEqual([]);
  return definition as WorkflowDefinition;
}

test.each<[JsonValue, number | undefined]>([
  ["PT5S", 5000],
  ["PT0.5S", 500],
  ["PT0.0004S", 0],
  ["P1D", 86_400_000],
  ["P1W", 604_800_000],
  ["P1Y1M1DT1H1M1S", (365 + 30 + 1) * 86_400_000 + 3_661_000],
  ["P10Y", 3650 * 86_400_000],
  ["PT0S", 0],
  [{ seconds: 5 }, 5000],
  [{ days: 1, hours: 1, minutes: 1, seconds: 1, milliseconds: 1 }, 90_061_001],
  ["P10Y1D", undefined],
  ["P", undefined],
  ["PT", undefined],
  ["P1DT", undefined],
  ["P1S", undefined],
  ["PT-5S", undefined],
  ["pt5s", undefined],
  ["PT5S ", undefined],
  ["5s", undefined],
  ["", undefined],
  [5, undefined],
  [null, undefined],
  [true, undefined],
  [["PT5S"], undefined],
  [{}, undefined],
  [{ seconds: -1 }, undefined],
  [{ seconds: 1.5 }, undefined],
  [{ seconds: "1" }, undefined],
  [{ weeks: 1 }, undefined],
  [{ seconds: 1, constructor: 1 }, undefined],
  [{ days: 100_000 }, undefined],
])("[WL7] the duration %j is %s ms", (value, ms) => {
  expect(parseDuration(value)).toBe(ms);
});

test("[WL8] types of standard errors are one under their old and new names, others stay as they are", () => {
  const emitted = "https://open-workflow-specification.org/spec/1.0.0/errors/communication";
  for (const alias of [
    emitted,
    "https://open-workflow-specification.org/dsl/errors/types/communication",
    "https://open-workflow-specification.org/spec/1.0.0/errors/types/communication",
    "https://serverlessworkflow.io/spec/1.0.0/errors/communication",
    "https://serverlessworkflow.io/spec/1.0.3/errors/communication/",
    "http://www.serverlessworkflow.io/dsl/errors/types/communication",
  ])
    expect({ alias, type: canonicalErrorType(alias) }).toEqual({ alias, type: emitted });
  for (const other of [
    "https://open-workflow-specification.org/errors/types/compliance",
    "https://serverlessworkflow.io.evil.example/spec/1.0.0/errors/communication",
    "https://example.org/spec/1.0.0/errors/communication",
    "communication",
    "",
  ])
    expect(canonicalErrorType(other)).toBe(other);
  expect(sameErrorType("https://serverlessworkflow.io/spec/1.0.0/errors/timeout", standardError("timeout").type)).toBe(
    true,
  );
  expect(sameErrorType(standardError("runtime").type, standardError("timeout").type)).toBe(false);
  expect(standardError("authorization")).toEqual({
    type: "https://open-workflow-specification.org/spec/1.0.0/errors/authorization",
    status: 403,
    title: "Authorization Error",
  });
});

test("[WL9] grants are what the definition names, once each, sorted, from every depth", () => {
  const text = [
    "use: { functions: { f: { call: http, with: { method: get, endpoint: 'https://f.example' } } } }",
    "do:",
    "  - a: { call: f }",
    "  - b: { fork: { branches: [ { c: { call: llm, with: { prompt: x } } }, { d: { call: llm, with: { prompt: y, model: m } } } ] } }",
    "  - e: { for: { in: .x }, do: [ { f: { call: plugin, with: { plugin: p, tool: t, arguments: '${ . }' } } } ] }",
    "  - g: { try: [ { h: { call: thought.create, with: { title: '${ . }' } } } ], catch: { do: [ { i: { call: llm, with: { prompt: z } } } ] } }",
    "  - j: { run: { workflow: { namespace: n, name: m } } }",
    "  - k: { call: http, with: { method: get, endpoint: { uri: 'http://Host.example:8080/{id}?q=1' }, query: '${ .q }' } }",
    "  - l: { call: http, with: { method: get, endpoint: 'https://F.example:443/x', body: '${ . }' } }",
  ];
  expect(collectGrants(parse(text.join("\n")))).toEqual([
    { action: "llm.generate", resource: "default" },
    { action: "llm.generate", resource: "m" },
    { action: "net.fetch", resource: "http://host.example:8080" },
    { action: "net.fetch", resource: "https://f.example:443" },
    { action: "plugin.call", resource: "p#t" },
    { action: "thought.write", resource: "*" },
    { action: "workflow.run", resource: "n/m" },
  ]);
  expect(collectGrants(parse("do: [ { a: { set: { x: '${ .y }' } } } ]"))).toEqual([]);
});

test.each([
  "'${ .url }'",
  "'https://${ .h }/'",
  "'https://{host}/'",
  "'https://a.{tld}/'",
  "'https://a.example{port}/'",
  "'https://user:pw@a.example/'",
  "'https://a.example:99999/'",
  "'http://[::1/'",
  "'https://a b/'",
  "'https://a.example\\@b.example/'",
  "'HTTPS://a.example/'",
  "'//a.example/'",
  "'file:///etc/passwd'",
  "''",
  "5",
  "[]",
  "{}",
  "{ uri: '${ .x }' }",
  "{ uri: 5 }",
])("[WL9] the endpoint %s is refused: expressions and placeholders cannot choose the host", (endpoint) => {
  const { definition, problems } = parseWorkflow(
    `${HEAD}do:\n  - a:\n      call: http\n      with:\n        method: get\n        endpoint: ${endpoint}\n`,
  );
  expect(definition).toBeUndefined();
  expect(problems).toMatchObject([{ line: 7, column: 9, pointer: "/do/0/a/with/endpoint" }]);
  expect(problems[0]?.message).toMatch(/^the endpoint must start with a literal host/);
});

test("[WL9] an origin has scheme, host and port, also of an IPv6 address; what has no literal one has none", () => {
  const task = parse("do: [ { a: { call: http, with: { method: '${ .m }', endpoint: 'http://[::1]:80/{x}' } } } ]").body
    .tasks[0] as CallTask;
  expect(hostOf(task)).toBe("http://[::1]:80");
  const without = (template: CallTask["with"]): string | undefined => hostOf({ ...task, with: template });
  expect(without({ kind: "literal", value: {} })).toBeUndefined();
  expect(without({ kind: "literal", value: { endpoint: "https://a:99999/" } })).toBeUndefined();
  expect(without({ kind: "literal", value: { endpoint: "mailto:x" } })).toBeUndefined();
  expect(without({ kind: "array", items: [] })).toBeUndefined();
  expect(without({ kind: "object", members: [] })).toBeUndefined();
  expect(
    without({ kind: "object", members: [{ key: "endpoint", value: { kind: "array", items: [] } }] }),
  ).toBeUndefined();
  const inner = { kind: "literal", value: "https://a.example/" } as const;
  expect(
    without({
      kind: "object",
      members: [{ key: "endpoint", value: { kind: "object", members: [{ key: "uri", value: inner }] } }],
    }),
  ).toBe("https://a.example:443");
});

test("[WL9] what a workflow may call or start is literal", () => {
  for (const task of [
    "call: plugin\n      with: { plugin: p, tool: '${ .t }' }",
    "call: llm\n      with: { prompt: x, model: '${ .m }' }",
    "run: { workflow: { namespace: n, name: '${ .n }' } }",
  ]) {
    const { problems } = parseWorkflow(`${HEAD}do:\n  - a:\n      ${task}\n`);
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining("must be")]);
  }
});

test("[WL1] the lists inside a task, and pointers of paths", () => {
  const { tasksByReference } = parse(
    "do:\n  - a: { try: [ { b: { set: {} } } ], catch: { do: [ { c: { fork: { branches: [ { d: { set: {} } }, { e: { set: {} } } ] } } } ] } }\n",
  );
  const names = (reference: string): string[][] => {
    const task = tasksByReference.get(reference);
    return task === undefined ? [] : listsOf(task).map((list) => list.map(({ name }) => name));
  };
  expect(names("/do/0/a")).toEqual([["b"], ["c"]]);
  expect(names("/do/0/a/catch/do/0/c")).toEqual([["d"], ["e"]]);
  expect(names("/do/0/a/try/0/b")).toEqual([]);
  expect(toPointer(["a/b", 0, "c~d", ""])).toBe("/a~1b/0/c~0d/");
});
