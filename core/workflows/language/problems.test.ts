import { expect, test } from "vitest";
import { parseWorkflow } from "./index.ts";

const HEAD = "document: { dsl: 1.0.3, namespace: test, name: w, version: 1.0.0 }\n";

/** Text below `HEAD`, or the whole text behind a `!`; then line:column, pointer and message of every problem. */
const CASES: [text: string, problems: string[]][] = [
  [`!`, ["1:1  a workflow is a mapping with `document` and `do`"]],
  [`![1, 2]`, ["1:1  a workflow is a mapping with `document` and `do`"]],
  [`!just text`, ["1:1  a workflow is a mapping with `document` and `do`"]],
  [
    `!a: 1
a: 2`,
    ["2:1 /a the key “a” stands twice in this mapping"],
  ],
  [`!a: [1`, ["1:6  Flow sequence in block collection must be sufficiently indented and end with a ]"]],
  [
    `!a: &x 1
b: *y`,
    ["2:4 /b no anchor “&y” stands before this alias"],
  ],
  [
    `!? [a]
: 1`,
    ["1:3  a key is a text, not a list, a mapping or an alias"],
  ],
  [`!a: .nan`, ["1:1 /a this is no JSON value: texts, finite numbers, true, false, null, lists and mappings are"]],
  [`!a: !!set {b}`, ["1:1 /a this is no JSON value: texts, finite numbers, true, false, null, lists and mappings are"]],
  [
    `!a: &x [*x]`,
    [
      "1:8 /a/0/0/0/0/0/0/0 mappings and lists are nested deeper than 400 levels, or an alias stands for what encloses it",
    ],
  ],
  [
    `!document: {}
doo: []`,
    [
      "2:1 /doo “doo” is not a field of a workflow; did you mean “do”?",
      "1:1 /document “dsl” is missing: give a text",
      "1:1 /document “namespace” is missing: give a text",
      "1:1 /document “name” is missing: give a text",
      "1:1 /document “version” is missing: give a text",
      "1:1 /do give a list of tasks, each `- name: { … }`",
    ],
  ],
  [
    `!---
a: 1
---
b: 2`,
    ["3:1  the text holds several documents; a workflow is one"],
  ],
  [
    `!document: { dsl: 2.0.0, namespace: Test, name: w_1, version: 1 }
do:
  - a: { set: { x: 1 } }`,
    [
      "1:13 /document/dsl dsl 2.0.0 is not supported; supported are 1.0.0 to 1.0.3",
      "1:53 /document/version “version” must be a text",
      "1:25 /document/namespace “Test”: use small letters, digits and dashes, at most 63",
      "1:42 /document/name “w_1”: use small letters, digits and dashes, at most 63",
    ],
  ],
  [
    `!document: { dsl: 1.0.3, namespace: test, name: w, version: one, titel: x, title: 5 }
do:
  - a: { set: { x: 1 } }`,
    [
      "1:65 /document/titel “titel” is not a field of document; known are dsl, namespace, name, version, title, summary, tags, metadata",
      "1:51 /document/version “one” is not a semantic version such as 1.0.0",
      "1:75 /document/title “title” must be a text",
    ],
  ],
  [`do: []`, ["2:1 /do give a list of tasks, each `- name: { … }`"]],
  [`do: { a: 1 }`, ["2:1 /do give a list of tasks, each `- name: { … }`"]],
  [
    `do:
  - a: { set: {} }
    b: { set: {} }
  - 5`,
    [
      "3:5 /do/0 each entry has exactly one key: the task's name",
      "5:5 /do/1 each entry has exactly one key: the task's name",
    ],
  ],
  [
    `do:
  - a: { set: {} }
  - a: { set: {} }
  - end: { set: {} }`,
    [
      "4:5 /do/1/a two tasks of this list are called “a”",
      "5:5 /do/2/end “end” is a flow directive and cannot name a task",
    ],
  ],
  [
    `do:
  - a: 5
  - b: { foo: 1 }
  - c: { sett: {} }`,
    [
      "3:5 /do/0/a a task is a mapping such as { set: { a: 1 } }",
      "4:5 /do/1/b the task has no type; give one of for, try, fork, switch, call, set, raise, wait, run, emit, listen, do",
      "5:5 /do/2/c the task has no type; give one of for, try, fork, switch, call, set, raise, wait, run, emit, listen, do",
    ],
  ],
  [
    `do:
  - a:
      set: { x: 1 }
      then: nowhere`,
    ["5:7 /do/0/a/then “nowhere” is neither continue, exit, end nor a task of this list (a)"],
  ],
  [
    `do:
  - a:
      set: { x: 1 }
      then: 5`,
    ["5:7 /do/0/a/then “then” must be a text"],
  ],
  [
    `do:
  - a:
      switch:
        - one: { when: .x, then: nowhere }
        - two: { when: .x }
        - 5
        - four: 4`,
    [
      "6:11 /do/0/a/switch/1/two “then” is missing: give a text",
      "7:11 /do/0/a/switch/2 a case is `- name: { when: …, then: … }`",
      "8:11 /do/0/a/switch/3 a case is `- name: { when: …, then: … }`",
      "5:28 /do/0/a/switch/0/one/then “nowhere” is neither continue, exit, end nor a task of this list (a)",
    ],
  ],
  [
    `do:
  - a:
      switch: []`,
    ["4:7 /do/0/a/switch `switch` is a list of cases, each `- name: { when: …, then: … }`"],
  ],
  [
    `do:
  - a:
      switch: { a: 1}`,
    ["4:7 /do/0/a/switch `switch` is a list of cases, each `- name: { when: …, then: … }`"],
  ],
  [
    `do:
  - a:
      try:
        - b: { set: {} }
      catch:
        errors: { wit: {} }
        as: $e
        retry: none
        then: b
        do: []`,
    [
      "7:19 /do/0/a/catch/errors/wit “wit” is not a field of errors; did you mean “with”?",
      "8:9 /do/0/a/catch/as a variable name has letters, digits and _, without $",
      "9:9 /do/0/a/catch/retry “none” is not under use.retries (which is empty)",
      "11:9 /do/0/a/catch/do give a list of tasks, each `- name: { … }`",
      "10:9 /do/0/a/catch/then “b” is neither continue, exit, end nor a task of this list (a)",
    ],
  ],
  [
    `do:
  - a:
      try:
        - b: { set: {} }`,
    ["3:5 /do/0/a “catch” is missing: give a mapping"],
  ],
  [
    `do:
  - a:
      try:
        - b: { set: {} }
      catch:
        errors: { with: { kind: 1 } }
        retry: { delay: soon, backoff: { quadratic: {} }, limit: { attempt: { count: 0, duration: 5 }, duration: [] }, jitter: { from: 1, of: 2 } }`,
    [
      "7:27 /do/0/a/catch/errors/with/kind “kind” is not a field of errors.with; known are type, status, instance, title, detail, details",
      "8:18 /do/0/a/catch/retry/delay give a duration such as PT5S or { seconds: 5 }",
      "8:42 /do/0/a/catch/retry/backoff/quadratic “quadratic” is not a field of backoff; known are constant, linear, exponential",
      "8:79 /do/0/a/catch/retry/limit/attempt/count `count` is a whole number from 1 on",
      "8:104 /do/0/a/catch/retry/limit/duration give a duration such as PT5S or { seconds: 5 }",
      "8:89 /do/0/a/catch/retry/limit/attempt/duration give a duration such as PT5S or { seconds: 5 }",
      "8:139 /do/0/a/catch/retry/jitter/of “of” is not a field of jitter; known are from, to",
      "8:130 /do/0/a/catch/retry/jitter/from give a duration such as PT5S or { seconds: 5 }",
    ],
  ],
  [
    `do:
  - a:
      try:
        - b: { set: {} }
      catch: { retry: 5 }`,
    ["6:16 /do/0/a/catch/retry give a retry policy or the name of one under `use.retries`"],
  ],
  [
    `do:
  - a:
      set: 5`,
    ["4:7 /do/0/a/set `set` is a mapping or an expression"],
  ],
  [
    "do:\n  - a:\n      set: { x: '${ .a + }' , y: [ '${ now }' ] }\n",
    [
      "4:14 /do/0/a/set/x the expression does not compile: Unexpected end of the expression (at character 7)",
      "4:36 /do/0/a/set/y/0 the expression does not compile: “now” is not allowed: its result depends on when or where it runs and could not be replayed (at character 2)",
    ],
  ],
  [
    `do:
  - a:
      set: { x: 1 }
      sett: 1
      if: '.a ='`,
    ["5:7 /do/0/a/sett “sett” is not a field of a “set” task; did you mean “set”?"],
  ],
  [
    `do:
  - a:
      set: { x: 1 }
      input: { form: .a, schema: { format: avro, resource: {}, documnt: {} } }
      output: 5
      export: { as: '(' }`,
    [
      "6:7 /do/0/a/output “output” must be a mapping",
      "5:16 /do/0/a/input/form “form” is not a field of input; known are schema, from",
      "5:64 /do/0/a/input/schema/documnt “documnt” is not a field of schema; did you mean “document”?",
      "5:50 /do/0/a/input/schema/resource schemas from elsewhere are not supported; put the schema under `document`",
      "5:36 /do/0/a/input/schema/format only JSON Schema (`json`) is supported",
      "7:17 /do/0/a/export/as the expression does not compile: Unexpected end of the expression (at character 2)",
    ],
  ],
  [
    `do:
  - a:
      set: { x: 1 }
      metadata: { logomesh: { effect: never } }`,
    ["5:31 /do/0/a/metadata/logomesh/effect `effect` is pure, idempotent or once"],
  ],
  [
    `do:
  - a:
      set: { x: 1 }
      timeout: slow`,
    ["5:7 /do/0/a/timeout “slow” is not under use.timeouts (which is empty)"],
  ],
  [
    `do:
  - a:
      set: { x: 1 }
      timeout: { before: 1 }`,
    [
      "5:18 /do/0/a/timeout/before “before” is not a field of a timeout; known are after",
      "5:7 /do/0/a/timeout `after` is missing, for example `after: PT30S`",
    ],
  ],
  [
    `do:
  - a:
      set: { x: 1 }
      timeout: { after: -1 }`,
    ["5:18 /do/0/a/timeout/after give a duration such as PT5S or { seconds: 5 }, of at most ten years"],
  ],
  [
    `do:
  - a:
      set: { x: 1 }
      timeout: 5`,
    ["5:7 /do/0/a/timeout give `{ after: PT30S }` or the name of a timeout under `use.timeouts`"],
  ],
];

test.each(CASES)("[WL2] [WL3] every fault of this text is reported with its place: %j", (text, problems) => {
  const parsed = parseWorkflow(text.startsWith("!") ? text.slice(1) : HEAD + text);
  expect(
    parsed.problems.map(({ line, column, pointer, message }) => `${line}:${column} ${pointer} ${message}`),
  ).toEqual(problems);
  expect(parsed.definition).toBeUndefined();
});
