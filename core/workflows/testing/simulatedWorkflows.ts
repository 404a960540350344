import type { JsonValue } from "@logomesh/contracts";

// The corpus of the simulation: small workflows that together use every type of task in every state that a crash can meet.
//
// To add one: give it a name, a list of tasks and what it must give. `tool(name, tool, arguments)` is a step in the simulated world:
//   echo   answers its arguments; harmless
//   look   the same, with an idempotency key
//   act    the same, and may happen once only
//   flaky  fails twice for each place in the workflow, then answers its arguments
//   broken always fails
//   never  answers only when it is stopped
// A workflow in which things race lists every output that is right. `children` are defined beside it, by name.

export interface SimulatedWorkflow {
  name: string;
  /** In flow style, without the brackets of the list. */
  tasks: string;
  input?: JsonValue;
  /** What may come out of it without a crash, or with one. */
  outputs?: readonly JsonValue[];
  /** The last part of the error's type, where it ends with one. */
  fault?: string;
  /** Members of the document beside `do`. */
  document?: string;
  children?: Record<string, string>;
}

function tool(name: string, called: string, args = "{}"): string {
  return `{ ${name}: ${call(called, args)} }`;
}

function call(called: string, args = "{}", more = ""): string {
  return `{ call: plugin, with: { plugin: sim, tool: ${called}, arguments: ${args} }${more === "" ? "" : `, ${more}`} }`;
}

/** Sets the whole value. */
function set(value: JsonValue): string {
  return `{ set: "\${ ${JSON.stringify(value).replaceAll('"', '\\"')} }" }`;
}

function retry(tasks: string, clause = "delay: { seconds: 5 }, limit: { attempt: { count: 9 } }"): string {
  return `{ try: [ ${tasks} ], catch: { retry: { ${clause} } } }`;
}

const KEEP = '{ keep: { call: thought.create, with: { title: kept }, output: { as: "${ .title }" } } }';

const EMIT = "{ e: { emit: { event: { with: { type: com.acme.paid, data: { n: 5 } } } } } }";

export const SIMULATED_WORKFLOWS: readonly SimulatedWorkflow[] = [
  // ---- steps in order
  { name: "set only", tasks: `{ a: { set: { v: 1 } } }, { b: { set: { v: "\${ .v + 1 }" } } }`, outputs: [{ v: 2 }] },
  { name: "one step", tasks: tool("a", "echo", `{ n: "\${ .n }" }`), input: { n: 4 }, outputs: [{ n: 4 }] },
  {
    name: "steps in order",
    tasks: [
      tool("a", "echo", "{ n: 1 }"),
      tool("b", "look", `{ n: "\${ .n + 1 }" }`),
      tool("c", "echo", `{ n: "\${ .n * 10 }" }`),
    ].join(", "),
    outputs: [{ n: 20 }],
  },
  {
    name: "once in order",
    tasks: [tool("a", "act", "{ n: 1 }"), tool("b", "act", "{ n: 2 }")].join(", "),
    outputs: [{ n: 2 }],
  },
  { name: "kept thought", tasks: [tool("a", "echo"), KEEP].join(", "), outputs: ["kept"] },
  {
    name: "two thoughts around a once",
    tasks: [KEEP, tool("a", "act"), KEEP.replace("keep:", "more:")].join(", "),
    outputs: ["kept"],
  },
  {
    name: "nested lists",
    tasks: `{ outer: { do: [ { inner: { do: [ ${tool("a", "look", "{ n: 1 }")} ] } }, ${tool("b", "echo", `{ m: "\${ .n }" }`)} ] } }`,
    outputs: [{ m: 1 }],
  },
  {
    name: "context",
    tasks: `{ a: ${call("echo", "{ n: 3 }", `export: { as: "\${ {kept: .n} }" }`)} }, ${tool("b", "echo")}, { c: { set: "\${ $context.kept }" } }`,
    outputs: [3],
  },
  {
    name: "shaped input and output",
    tasks: `{ a: ${call("echo", `{ n: "\${ . }" }`, `input: { from: "\${ .deep.n }" }, output: { as: "\${ .n }" }`)} }`,
    input: { deep: { n: 7 } },
    outputs: [7],
  },
  {
    name: "skipped step",
    tasks: `{ a: ${call("act", "{}", `if: "\${ .go }"`)} }, ${tool("b", "echo", `{ n: 1 }`)}`,
    input: { go: false },
    outputs: [{ n: 1 }],
  },
  // ---- flow
  {
    name: "switch",
    tasks: `{ s: { switch: [ { big: { when: "\${ .n > 5 }", then: big } }, { other: { then: small } } ] } }, { small: ${call("echo", "{ is: small }", "then: exit")} }, { big: ${call("echo", "{ is: big }")} }`,
    input: { n: 9 },
    outputs: [{ is: "big" }],
  },
  {
    name: "switch on a result",
    tasks: `${tool("a", "look", "{ n: 1 }")}, { s: { switch: [ { one: { when: "\${ .n == 1 }", then: last } } ] } }, ${tool("gone", "act")}, ${tool("last", "echo", "{ at: last }")}`,
    outputs: [{ at: "last" }],
  },
  {
    name: "loop by then",
    tasks: `{ count: ${call("echo", `{ n: "\${ (.n // 0) + 1 }" }`)} }, { again: { switch: [ { more: { when: "\${ .n < 4 }", then: count } } ] } }`,
    outputs: [{ n: 4 }],
  },
  {
    name: "end early",
    tasks: `{ a: { do: [ { stop: ${call("echo", "{ n: 1 }", "then: end")} } ] } }, ${tool("gone", "act")}`,
    outputs: [{ n: 1 }],
  },
  {
    name: "exit a list",
    tasks: `{ a: { do: [ { leave: ${call("look", "{ n: 1 }", "then: exit")} }, ${tool("gone", "act")} ] } }, ${tool("b", "echo", `{ m: "\${ .n }" }`)}`,
    outputs: [{ m: 1 }],
  },
  // ---- loops
  {
    name: "for",
    tasks: `{ l: { for: { in: "\${ [1, 2, 3] }" }, do: [ ${tool("r", "echo", `{ i: "\${ $item }", at: "\${ $index }" }`)} ] } }`,
    outputs: [{ i: 3, at: 2 }],
  },
  {
    name: "for with once",
    tasks: `{ l: { for: { in: "\${ [1, 2] }" }, do: [ ${tool("r", "act", `{ i: "\${ $item }" }`)} ] } }`,
    outputs: [{ i: 2 }],
  },
  {
    name: "for that sums",
    tasks: `{ l: { for: { each: x, in: "\${ [1, 2, 3, 4] }" }, do: [ ${tool("r", "look", `{ sum: "\${ (.sum // 0) + $x }" }`)} ] } }`,
    outputs: [{ sum: 10 }],
  },
  {
    name: "while",
    tasks: `{ l: { for: { in: "\${ [1, 2, 3, 4] }" }, while: "\${ (.i // 0) < 2 }", do: [ ${tool("r", "echo", `{ i: "\${ $item }" }`)} ] } }`,
    outputs: [{ i: 2 }],
  },
  {
    name: "nested loops",
    tasks: `{ l: { for: { each: x, in: "\${ [1, 2] }" }, do: [ { m: { for: { each: y, in: "\${ [1, 2] }" }, do: [ ${tool("r", "echo", `{ xy: "\${ $x * 10 + $y }" }`)} ] } } ] } }`,
    outputs: [{ xy: 22 }],
  },
  {
    name: "empty loop",
    tasks: `{ l: { for: { in: "\${ [] }" }, do: [ ${tool("r", "act")} ] } }, ${tool("b", "echo", "{ n: 1 }")}`,
    outputs: [{ n: 1 }],
  },
  {
    name: "loop that waits",
    tasks: `{ l: { for: { in: "\${ [1, 2, 3] }" }, do: [ { p: { wait: PT10S } }, ${tool("r", "echo", `{ i: "\${ $item }" }`)} ] } }`,
    outputs: [{ i: 3 }],
  },
  // ---- branches
  {
    name: "fork",
    tasks: `{ f: { fork: { branches: [ ${tool("a", "echo", "{ n: 1 }")}, ${tool("b", "look", "{ n: 2 }")}, { c: ${set(3)} } ] } } }`,
    outputs: [[{ n: 1 }, { n: 2 }, 3]],
  },
  {
    name: "fork of lists",
    tasks: `{ f: { fork: { branches: [ { a: { do: [ ${tool("a1", "echo")}, ${tool("a2", "echo", "{ n: 1 }")} ] } }, { b: { do: [ ${tool("b1", "look")}, ${KEEP} ] } } ] } } }, { j: { set: "\${ [.[0].n, .[1]] }" } }`,
    outputs: [[1, "kept"]],
  },
  {
    name: "fork with once",
    tasks: `{ f: { fork: { branches: [ ${tool("a", "act", "{ n: 1 }")}, ${tool("b", "act", "{ n: 2 }")}, ${tool("c", "echo", "{ n: 3 }")} ] } } }`,
    outputs: [[{ n: 1 }, { n: 2 }, { n: 3 }]],
  },
  {
    name: "fork in a loop",
    tasks: `{ l: { for: { in: "\${ [1, 2] }" }, do: [ { f: { fork: { branches: [ ${tool("a", "echo", `{ i: "\${ $item }" }`)}, ${tool("b", "look", `{ i: "\${ $item * 2 }" }`)} ] } } } ] } }`,
    outputs: [[{ i: 2 }, { i: 4 }]],
  },
  {
    name: "forks in a fork",
    tasks: `{ f: { fork: { branches: [ { x: { fork: { branches: [ ${tool("a", "echo", "{ n: 1 }")}, ${tool("b", "echo", "{ n: 2 }")} ] } } }, { y: { fork: { branches: [ ${tool("c", "look", "{ n: 3 }")}, { d: { wait: PT1S } } ] } } } ] } } }, { j: { set: "\${ .[0] + [.[1][0]] }" } }`,
    outputs: [[{ n: 1 }, { n: 2 }, { n: 3 }]],
  },
  {
    name: "fork whose branch fails",
    tasks: `{ f: { fork: { branches: [ ${tool("a", "broken")}, ${tool("b", "never")} ] } } }`,
    fault: "runtime",
  },
  {
    name: "compete",
    tasks: `{ f: { fork: { compete: true, branches: [ ${tool("a", "echo", "{ by: a }")}, ${tool("b", "look", "{ by: b }")} ] } } }, ${tool("c", "echo", `{ won: "\${ .by }" }`)}`,
    outputs: [{ won: "a" }, { won: "b" }],
  },
  {
    name: "compete with a hanging branch",
    tasks: `{ f: { fork: { compete: true, branches: [ ${tool("a", "never")}, ${tool("b", "look", "{ by: b }")} ] } } }`,
    outputs: [{ by: "b" }],
  },
  {
    name: "compete with a wait",
    tasks: `{ f: { fork: { compete: true, branches: [ { a: { do: [ { p: { wait: PT5S } }, { late: ${set("late")} } ] } }, ${tool("b", "never")} ] } } }`,
    outputs: ["late"],
  },
  // ---- errors
  {
    name: "raise",
    tasks: `${tool("a", "echo")}, { r: { raise: { error: { type: "https://example.com/errors/mine", status: 400 } } } }`,
    fault: "mine",
  },
  { name: "uncaught failure", tasks: tool("a", "broken"), fault: "runtime" },
  {
    name: "caught failure",
    tasks: `{ t: { try: [ ${tool("a", "broken")} ], catch: { as: e, do: [ { c: ${call("look", `{ status: "\${ $e.status }" }`)} } ] } } }`,
    outputs: [{ status: 502 }],
  },
  {
    name: "caught once failure",
    tasks: `{ t: { try: [ ${tool("a", "act")}, ${tool("b", "broken")} ], catch: { do: [ { c: ${set("saved")} } ] } } }`,
    outputs: ["saved"],
  },
  { name: "retry", tasks: `{ t: ${retry(tool("a", "flaky", "{ n: 1 }"))} }`, outputs: [{ n: 1 }] },
  {
    name: "retry of a list",
    tasks: `{ t: ${retry(`${tool("a", "echo")}, ${tool("b", "flaky", "{ n: 1 }")}`)} }, ${KEEP}`,
    outputs: ["kept"],
  },
  {
    name: "retry with backoff and jitter",
    tasks: `{ t: ${retry(tool("a", "flaky", "{ n: 1 }"), "delay: { seconds: 1 }, backoff: { exponential: {} }, jitter: { from: { milliseconds: 1 }, to: { seconds: 2 } }, limit: { attempt: { count: 9 } }")} }`,
    outputs: [{ n: 1 }],
  },
  {
    name: "retries in branches",
    tasks: `{ f: { fork: { branches: [ { a: ${retry(tool("x", "flaky", "{ n: 1 }"))} }, { b: ${retry(tool("y", "flaky", "{ n: 2 }"))} } ] } } }`,
    outputs: [[{ n: 1 }, { n: 2 }]],
  },
  {
    name: "retries that give up",
    tasks: `{ t: { try: [ ${tool("a", "broken")} ], catch: { retry: { delay: { seconds: 1 }, limit: { attempt: { count: 3 } } }, do: [ { c: ${set("gave up")} } ] } } }`,
    outputs: ["gave up"],
  },
  {
    name: "retry in a loop",
    tasks: `{ l: { for: { in: "\${ [1, 2] }" }, do: [ { t: ${retry(tool("a", "flaky", `{ i: "\${ $item }" }`))} } ] } }`,
    outputs: [{ i: 2 }],
  },
  {
    name: "attempt with a time limit",
    tasks: `{ t: { try: [ ${tool("a", "never")} ], catch: { retry: { limit: { attempt: { count: 2, duration: { seconds: 3 } } } }, do: [ { c: ${set("slow")} } ] } } }`,
    outputs: ["slow"],
  },
  // ---- time
  { name: "wait", tasks: `{ p: { wait: PT1M } }, ${tool("a", "echo", "{ n: 1 }")}`, outputs: [{ n: 1 }] },
  {
    name: "waits in a row",
    tasks: `{ p: { wait: PT1S } }, { q: { wait: PT1H } }, { r: { wait: P1D } }, { s: ${set("woken")} }`,
    outputs: ["woken"],
  },
  {
    name: "waits in branches",
    tasks: `{ f: { fork: { branches: [ { a: { wait: PT2S } }, { b: { do: [ { p: { wait: PT1S } }, ${tool("x", "act", "{ n: 1 }")} ] } } ] } } }, { j: { set: "\${ .[1] }" } }`,
    outputs: [{ n: 1 }],
  },
  { name: "timeout", tasks: `{ a: ${call("never", "{}", "timeout: { after: { seconds: 2 } }")} }`, fault: "timeout" },
  {
    name: "caught timeout",
    tasks: `{ t: { try: [ { a: ${call("never", "{}", "timeout: { after: { seconds: 2 } }")} } ], catch: { errors: { with: { status: 408 } }, do: [ ${tool("c", "act", "{ n: 1 }")} ] } } }`,
    outputs: [{ n: 1 }],
  },
  {
    name: "timeout of a list",
    tasks: `{ d: { do: [ ${tool("x", "echo")}, ${tool("a", "never")} ], timeout: { after: PT3S } } }`,
    fault: "timeout",
  },
  {
    name: "timeout that is not reached",
    tasks: `{ d: { do: [ { p: { wait: PT1S } } ], timeout: { after: PT1H } } }, { s: ${set("done")} }`,
    outputs: ["done"],
  },
  {
    name: "timeout of the workflow",
    tasks: tool("a", "never"),
    document: "timeout: { after: PT5S }",
    fault: "timeout",
  },
  // ---- child runs
  {
    name: "child run",
    tasks: `{ c: { run: { workflow: { namespace: default, name: child, version: "1.0.0", input: { n: 2 } } } } }, { d: { set: "\${ .m }" } }`,
    children: { child: tool("a", "look", `{ m: "\${ .n * 2 }" }`) },
    outputs: [4],
  },
  {
    name: "child run that waits",
    tasks: `{ c: { run: { workflow: { namespace: default, name: child, version: "1.0.0", input: {} } } } }`,
    children: { child: `{ p: { wait: PT1M } }, ${KEEP}` },
    outputs: ["kept"],
  },
  {
    name: "child run that fails",
    tasks: `{ t: { try: [ { c: { run: { workflow: { namespace: default, name: child, version: "1.0.0", input: {} } } } } ], catch: { do: [ { s: ${set("saved")} } ] } } }`,
    children: { child: tool("a", "broken") },
    outputs: ["saved"],
  },
  {
    name: "children in branches",
    tasks: `{ f: { fork: { branches: [ { x: { run: { workflow: { namespace: default, name: child, version: "1.0.0", input: { n: 1 } } } } }, { y: { run: { workflow: { namespace: default, name: child, version: "1.0.0", input: { n: 2 } } } } } ] } } }`,
    children: { child: tool("a", "echo", `{ n: "\${ .n }" }`) },
    outputs: [[{ n: 1 }, { n: 2 }]],
  },
  {
    name: "grandchild run",
    tasks: `{ c: { run: { workflow: { namespace: default, name: child, version: "1.0.0", input: {} } } } }`,
    children: {
      child: `{ g: { run: { workflow: { namespace: default, name: grandchild, version: "1.0.0", input: {} } } } }`,
      grandchild: `{ p: { wait: PT1S } }, ${tool("a", "echo", "{ deep: true }")}`,
    },
    outputs: [{ deep: true }],
  },
  // ---- events
  {
    name: "emit",
    tasks: `${tool("a", "look", "{ n: 1 }")}, ${EMIT}, ${tool("b", "echo", "{ n: 2 }")}`,
    outputs: [{ n: 2 }],
  },
  {
    name: "listen for what was emitted before",
    tasks: `${EMIT}, { l: { listen: { to: { one: { with: { type: com.acme.paid } } } } } }, { s: { set: "\${ .[0] }" } }`,
    outputs: [{ n: 5 }],
  },
  {
    name: "emit in one branch and listen in another",
    tasks: `{ f: { fork: { branches: [ { a: { do: [ { p: { wait: PT1S } }, ${EMIT}, ${tool("x", "act", "{ n: 1 }")} ] } },
      { b: { listen: { to: { one: { with: { type: com.acme.paid } } } } } } ] } } }, { j: { set: "\${ .[1][0] }" } }`,
    outputs: [{ n: 5 }],
  },
];
