import { describe, expect, test } from "vitest";
import { literalOf } from "./definition.ts";
import { parseWorkflow, type Task, type WorkflowDefinition } from "./index.ts";

const HEAD = "document: { dsl: 1.0.3, namespace: test, name: w, version: 1.0.0 }\n";

function parse(text: string): WorkflowDefinition {
  const { definition, problems } = parseWorkflow(text.startsWith("document") ? text : HEAD + text);
  expect(problems).toEqual([]);
  return definition as WorkflowDefinition;
}

/** The task called `a` of a workflow that has no other. */
function taskOf(body: string, head = ""): Task {
  const indented = body.replaceAll(/^/gm, "      ");
  return parse(`${head}do:\n  - a:\n${indented}\n`).body.tasks[0] as Task;
}

const BASE = { name: "a", reference: "/do/0/a", metadata: {} };
const literal = (value: unknown): { kind: string; value: unknown } => ({ kind: "literal", value });
const expression = (source: string): object => ({ kind: "expression", expression: { source } });

describe("[WL1] every supported task becomes its checked model", () => {
  test("do and set", () => {
    const task = taskOf("do:\n  - b: { set: { x: 1 } }\n  - c: { set: '${ .x }' }\n  - d: { set: .x }");
    expect(task).toMatchObject({
      ...BASE,
      type: "do",
      tasks: {
        reference: "/do/0/a/do",
        tasks: [
          { name: "b", reference: "/do/0/a/do/0/b", type: "set", value: literal({ x: 1 }) },
          { name: "c", type: "set", value: expression(" .x ") },
          { name: "d", type: "set", value: expression(".x") },
        ],
      },
    });
    expect(task.type === "do" && [...task.tasks.indexOf]).toEqual([
      ["b", 0],
      ["c", 1],
      ["d", 2],
    ]);
  });

  test("what every task may have", () => {
    const fields = [
      "set: {}",
      "if: .ok",
      "input: { schema: { format: 'json:2020-12', document: { type: object } }, from: .a }",
      "output: { schema: { document: { type: string } }, as: { x: '${ .y }' } }",
      "export: { schema: { document: {} }, as: '${ $context + . }' }",
      "timeout: { after: { seconds: 2, milliseconds: 5 } }",
      "then: end",
      "metadata: { team: x, logomesh: { effect: idempotent } }",
    ];
    expect(taskOf(fields.join("\n"))).toMatchObject({
      metadata: { team: "x", logomesh: { effect: "idempotent" } },
      effect: "idempotent",
      if: expression(".ok"),
      inputSchema: { document: { type: "object" } },
      inputFrom: expression(".a"),
      outputSchema: { document: { type: "string" } },
      outputAs: { kind: "object", members: [{ key: "x", value: expression(" .y ") }] },
      exportSchema: { document: {} },
      exportAs: expression(" $context + . "),
      timeout: { after: 2005 },
      then: "end",
    });
  });

  test("call: http, llm, plugin, thought.create, by short and by full name", () => {
    expect(
      taskOf("call: http\nwith: { method: post, endpoint: 'https://a.example/{id}', body: '${ . }' }"),
    ).toMatchObject({
      type: "call",
      call: "http",
      literals: { method: "post", endpoint: "https://a.example/{id}" },
    });
    expect(taskOf("call: llm:1.0.0@default\nwith: { model: fast, messages: '${ .m }' }")).toMatchObject({
      call: "llm",
      literals: { model: "fast" },
    });
    expect(taskOf("call: plugin\nwith: { plugin: p, tool: t, arguments: { x: 1 } }")).toMatchObject({
      call: "plugin",
      with: literal({ plugin: "p", tool: "t", arguments: { x: 1 } }),
      literals: { plugin: "p", tool: "t", arguments: { x: 1 } },
    });
    expect(taskOf("call: thought.create\nwith: { title: '${ .t }' }")).toMatchObject({
      call: "thought.create",
      literals: {},
    });
  });

  test("call of a function under use.functions: its arguments, with those of the call on top", () => {
    const use =
      "use: { functions: { get: { call: http, with: { method: get, endpoint: 'https://a.example/', query: { a: 1 } } } } }\n";
    expect(taskOf("call: get\nwith: { query: { b: 2 } }", use)).toMatchObject({
      name: "a",
      call: "http",
      with: literal({ method: "get", endpoint: "https://a.example/", query: { b: 2 } }),
    });
  });

  test("fork", () => {
    expect(taskOf("fork:\n  compete: true\n  branches:\n    - l: { set: {} }\n    - r: { set: {} }")).toMatchObject({
      type: "fork",
      compete: true,
      branches: {
        reference: "/do/0/a/fork/branches",
        tasks: [{ reference: "/do/0/a/fork/branches/0/l" }, { name: "r" }],
      },
    });
    expect(taskOf("fork: { branches: [ { l: { set: {} } } ] }")).toMatchObject({ compete: false });
  });

  test("for, with names or the default ones, over an expression or a list", () => {
    expect(taskOf("for: { each: color, at: i, in: .colors }\nwhile: $i < 3\ndo:\n  - b: { set: {} }")).toMatchObject({
      type: "for",
      each: "color",
      at: "i",
      in: expression(".colors"),
      while: expression("$i < 3"),
      tasks: { reference: "/do/0/a/do" },
    });
    const task = taskOf("for: { in: [1, '${ .x }'] }\ndo:\n  - b: { set: {} }");
    expect(task).toMatchObject({ each: "item", at: "index", in: { kind: "array" } });
    expect(task).not.toHaveProperty("while");
  });

  test("switch", () => {
    const task = taskOf("switch:\n  - red: { when: '.c == \"red\"', then: end }\n  - other: { then: continue }");
    expect(task).toMatchObject({
      type: "switch",
      cases: [
        { name: "red", when: expression('.c == "red"'), then: "end" },
        { name: "other", then: "continue" },
      ],
    });
  });

  test("try, with filter, conditions, retry and handler", () => {
    const body = [
      "try:",
      "  - b: { set: {} }",
      "catch:",
      "  errors: { with: { status: 404, type: '${ $context.type }' } }",
      "  as: err",
      "  when: .status > 400",
      "  exceptWhen: .status == 500",
      "  retry: { when: .w, exceptWhen: .e, delay: PT1S, backoff: { exponential: {} }, limit: { attempt: { count: 3, duration: PT5S }, duration: PT1M }, jitter: { from: PT0S, to: PT1S } }",
      "  do:",
      "    - c: { set: {} }",
      "  then: exit",
    ];
    expect(taskOf(body.join("\n"))).toMatchObject({
      type: "try",
      tasks: { reference: "/do/0/a/try" },
      catch: {
        errorsWith: { kind: "object" },
        as: "err",
        when: expression(".status > 400"),
        exceptWhen: expression(".status == 500"),
        retry: {
          when: expression(".w"),
          exceptWhen: expression(".e"),
          delayMs: 1000,
          backoff: "exponential",
          attemptsMax: 3,
          attemptDurationMsMax: 5000,
          durationMsMax: 60_000,
          jitter: { fromMs: 0, toMs: 1000 },
        },
        do: { reference: "/do/0/a/catch/do" },
        then: "exit",
      },
    });
  });

  test("retry policies by name, and their defaults", () => {
    const use =
      "use: { retries: { twice: { backoff: { linear: {} }, limit: { attempt: { count: 2 } } }, plain: { jitter: {} } } }\n";
    const body = (retry: string): string => `try:\n  - b: { set: {} }\ncatch: { retry: ${retry} }`;
    expect(taskOf(body("twice"), use)).toMatchObject({
      catch: { as: "error", retry: { delayMs: 0, backoff: "linear", attemptsMax: 2 } },
    });
    expect(taskOf(body("plain"), use)).toMatchObject({
      catch: { retry: { delayMs: 0, backoff: "constant", jitter: { fromMs: 0, toMs: 0 } } },
    });
    expect(taskOf("try:\n  - b: { set: {} }\ncatch: {}")).toMatchObject({ catch: { as: "error" } });
  });

  test("raise, in place and by name", () => {
    expect(taskOf("raise: { error: { type: 'https://x.example/e', status: 418, title: '${ .t }' } }")).toMatchObject({
      type: "raise",
      error: { kind: "object" },
    });
    const use = "use: { errors: { teapot: { type: t, status: '${ .s }' } } }\n";
    expect(taskOf("raise: { error: teapot }", use)).toMatchObject({ error: { kind: "object" } });
  });

  test("wait and timeouts, fixed, by name or by expression", () => {
    expect(taskOf("wait: PT1M30S")).toMatchObject({ type: "wait", duration: 90_000 });
    expect(taskOf("wait: '${ .pause }'")).toMatchObject({ duration: expression(" .pause ") });
    expect(taskOf("set: {}\ntimeout: t", "use: { timeouts: { t: { after: PT1S } } }\n")).toMatchObject({
      timeout: { after: 1000 },
    });
    expect(taskOf("set: {}\ntimeout: { after: '${ .t }' }")).toMatchObject({ timeout: { after: expression(" .t ") } });
  });

  test("run: workflow", () => {
    expect(
      taskOf("run: { workflow: { namespace: n, name: m, version: 2.0.0, input: { x: '${ .y }' } }, await: false }"),
    ).toMatchObject({
      type: "run",
      workflow: { namespace: "n", name: "m", version: "2.0.0" },
      input: { kind: "object" },
      await: false,
    });
    expect(taskOf("run: { workflow: { namespace: n, name: m } }")).toMatchObject({
      workflow: { version: "latest" },
      input: literal({}),
      await: true,
    });
  });
});

test("[WL1] a definition has its identity, its hash, its data and its tasks by reference", () => {
  const source = [
    "\uFEFFdocument: { dsl: 1.0.0, namespace: n, name: m, version: 1.2.3-rc.1, title: T, summary: S, tags: { a: b }, metadata: {} }",
    "evaluate: { language: jq, mode: strict }",
    "input: { schema: { document: { type: object } }, from: .in }",
    "output: { as: .out }",
    "timeout: { after: PT1H }",
    "metadata: { x: 1 }",
    "do:",
    "  - a:",
    "      do:",
    "        - b: { set: {} }",
  ].join("\n");
  const { definition } = parseWorkflow(source);
  expect(definition).toMatchObject({
    dsl: "1.0.0",
    namespace: "n",
    name: "m",
    version: "1.2.3-rc.1",
    title: "T",
    summary: "S",
    source: source.slice(1),
    inputSchema: { document: { type: "object" } },
    inputFrom: expression(".in"),
    outputAs: expression(".out"),
    timeout: { after: 3_600_000 },
  });
  expect([...(definition?.tasksByReference.keys() ?? [])]).toEqual(["/do/0/a/do/0/b", "/do/0/a"]);
});

test("[WL1] YAML and JSON of one document have one hash, whatever their order, comments and aliases", () => {
  const yaml = parse(`${HEAD}do:\n  - a: { set: &v { x: 1, y: [true, null] } } # note\n  - b: { set: *v }\n`);
  const set = { y: [true, null], x: 1 };
  const document = { version: "1.0.0", name: "w", namespace: "test", dsl: "1.0.3" };
  const json = parse(`document: ${JSON.stringify(document)}\ndo: ${JSON.stringify([{ a: { set } }, { b: { set } }])}`);
  const whole = parseWorkflow(JSON.stringify({ do: [{ a: { set } }, { b: { set } }], document }));
  expect(json.hash).toBe(yaml.hash);
  expect(whole.definition?.hash).toBe(yaml.hash);
  expect(yaml.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(parse(`${HEAD}do:\n  - a: { set: { x: 2 } }\n`).hash).not.toBe(yaml.hash);
});

test("[WL1] a reference is a JSON pointer, also for names with / and ~", () => {
  const { tasksByReference } = parse(
    `${HEAD}do:\n  - a/b~c: { set: {}, then: x }\n  - 0: { set: {} }\n  - x: { set: {} }\n`,
  );
  expect([...tasksByReference.keys()]).toEqual(["/do/0/a~1b~0c", "/do/1/0", "/do/2/x"]);
  expect(parseWorkflow(`${HEAD}do:\n  - x: { set: {}, then: end }\n  - a/b: { set: {} }\n`).warnings).toMatchObject([
    { line: 4, column: 5, pointer: "/do/1/a~1b" },
  ]);
});

test("[WL3] places are right in JSON too, on one line and on many", () => {
  const document = {
    document: { dsl: "1.0.3", namespace: "test", name: "w", version: "1.0.0" },
    do: [{ a: { set: { x: "${ ( }" }, then: "b" } }],
  };
  const [inner, outer] = parseWorkflow(JSON.stringify(document)).problems;
  expect(inner).toMatchObject({
    line: 1,
    column: JSON.stringify(document).indexOf('"x"') + 1,
    pointer: "/do/0/a/set/x",
  });
  expect(outer).toMatchObject({
    line: 1,
    column: JSON.stringify(document).indexOf('"then"') + 1,
    pointer: "/do/0/a/then",
  });
  expect(parseWorkflow(JSON.stringify(document, null, 2)).problems).toMatchObject([
    { line: 12, column: 11, pointer: "/do/0/a/set/x" },
    { line: 14, column: 9, pointer: "/do/0/a/then" },
  ]);
});

test("[WL3] the place of a fault behind an alias is the alias", () => {
  const { problems } = parseWorkflow(
    `${HEAD}metadata:\n  shared: &bad { method: get }\ndo:\n  - a:\n      call: http\n      with: *bad\n`,
  );
  expect(problems).toMatchObject([{ line: 7, column: 7, pointer: "/do/0/a/with" }]);
});

test("[WL4] warnings: what is never used, never reached, or acts outside without a timeout", () => {
  const text = [
    "use: { functions: { f: { call: llm } }, errors: { e: {} }, retries: { r: {} }, timeouts: { t: {} } }",
    "do:",
    "  - pick: { switch: [ { one: { when: .x, then: b } }, { other: { then: c } } ] }",
    "  - never: { set: {} }",
    "  - b: { call: http, with: { method: post, endpoint: 'https://a.example' }, metadata: { logomesh: { effect: idempotent } } }",
    "  - c: { call: http, with: { method: PUT, endpoint: 'https://a.example' } }",
    "  - d: { call: http, with: { method: DELETE, endpoint: 'https://a.example' }, timeout: { after: PT5S } }",
    "  - e: { fork: { branches: [ { x: { raise: { error: { type: t, status: 400 } } } }, { y: { set: {} } } ] } }",
    "  - f: { try: [ { g: { set: {}, then: exit } }, { h: { set: {} } } ], catch: { do: [ { i: { set: {}, if: .x, then: end } }, { j: { set: {} } } ], then: k } }",
    "  - l: { for: { in: .x }, do: [ { m: { raise: { error: { type: t, status: 400 } } } }, { n: { set: {} } } ], then: end }",
    "  - k: { set: {} }",
  ];
  const { warnings, problems } = parseWorkflow(HEAD + text.join("\n"));
  expect(problems).toEqual([]);
  expect(warnings.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual([
    "2:21 use.functions.f is never used",
    "2:51 use.errors.e is never used",
    "2:71 use.retries.r is never used",
    "2:92 use.timeouts.t is never used",
    "7:5 “c” changes something outside and has no timeout",
    "5:5 “never” can never be reached",
    "10:51 “h” can never be reached",
    "11:90 “n” can never be reached",
  ]);
});

test("[WL5] what only real jq can judge is listed with its place", () => {
  const { unchecked } = parseWorkflow(
    `${HEAD}do:\n  - a:\n      set: { x: ['\${ nothing(1) }'], y: '\${ .a }', z: { w: '\${ def f: 1; f }' } }\n      if: test("a")\n`,
  );
  expect(unchecked).toEqual([
    { source: 'test("a")', problem: { pointer: "/do/0/a/if", message: "", line: 5, column: 7 } },
    { source: " nothing(1) ", problem: { pointer: "/do/0/a/set/x/0", message: "", line: 4, column: 18 } },
    { source: " def f: 1; f ", problem: { pointer: "/do/0/a/set/z/w", message: "", line: 4, column: 57 } },
  ]);
});

test("[WL1] the literal value of a template is its value, an expression has none", () => {
  const task = taskOf("set: { x: 1 }");
  expect(task.type === "set" && literalOf(task.value)).toEqual({ x: 1 });
  const dynamic = taskOf("set: .x");
  expect(dynamic.type === "set" && literalOf(dynamic.value)).toBeUndefined();
});
