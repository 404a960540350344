import { expect, test } from "vitest";
import { parseWorkflow } from "./index.ts";

const HEAD = "document: { dsl: 1.0.3, namespace: test, name: w, version: 1.0.0 }\n";

/** Text below `HEAD`, or the whole text behind a `!`; then line:column, pointer and message of every problem. */
const CASES: [text: string, problems: string[]][] = [
  [
    `do:
  - a:
      call: grpc`,
    ["4:7 /do/0/a/call “call: grpc” is not supported yet; supported are http, openapi, llm, plugin, thought.create"],
  ],
  [
    `do:
  - a:
      call: asyncapi`,
    [
      "4:7 /do/0/a/call “call: asyncapi” is not supported yet; supported are http, openapi, llm, plugin, thought.create",
    ],
  ],
  [
    `do:
  - a:
      call: a2a`,
    ["4:7 /do/0/a/call “call: a2a” is not supported yet; supported are http, openapi, llm, plugin, thought.create"],
  ],
  [
    `do:
  - a:
      call: openapi`,
    [
      "3:5 /do/0/a/with “document” is missing in “call: openapi”",
      "3:5 /do/0/a/with “operationId” is missing in “call: openapi”",
    ],
  ],
  [
    `do:
  - a:
      call: mcp`,
    ["4:7 /do/0/a/call “call: mcp” is not supported yet; supported are http, openapi, llm, plugin, thought.create"],
  ],
  [
    `do:
  - a:
      call: unknown`,
    ["4:7 /do/0/a/call “unknown” is not a function; known are http, openapi, llm, plugin, thought.create"],
  ],
  [
    `do:
  - a:
      call: 5`,
    ["4:7 /do/0/a/call “call” must be a text"],
  ],
  [
    `do:
  - a:
      call: http
      with: 5`,
    ["5:7 /do/0/a/with `with` is a mapping of arguments"],
  ],
  [
    `do:
  - a:
      call: http
      with: { method: get }`,
    ["5:7 /do/0/a/with “endpoint” is missing in “call: http”"],
  ],
  [
    "do:\n  - a:\n      call: http\n      with: { method: get, endpoint: '${ .url }' }\n",
    [
      "5:28 /do/0/a/with/endpoint the endpoint must start with a literal host, for example https://api.example.org/items/{id}; expressions may not choose the host",
    ],
  ],
  [
    "do:\n  - a:\n      call: http\n      with: { method: get, endpoint: 'https://${ .h }/x' }\n",
    [
      "5:28 /do/0/a/with/endpoint the endpoint must start with a literal host, for example https://api.example.org/items/{id}; expressions may not choose the host",
    ],
  ],
  [
    `do:
  - a:
      call: http
      with: { method: get, endpoint: { uri: 'https://{host}/x' } }`,
    [
      "5:28 /do/0/a/with/endpoint the endpoint must start with a literal host, for example https://api.example.org/items/{id}; expressions may not choose the host",
    ],
  ],
  [
    `do:
  - a:
      call: http
      with: { method: get, endpoint: { ur: 'https://a.example' } }`,
    [
      "5:40 /do/0/a/with/endpoint/ur “ur” is not a field of an endpoint; did you mean “uri”?",
      "5:28 /do/0/a/with/endpoint the endpoint must start with a literal host, for example https://api.example.org/items/{id}; expressions may not choose the host",
    ],
  ],
  [
    `do:
  - a:
      call: http
      with: { method: get, endpoint: 'https://me@a.example/' }`,
    [
      "5:28 /do/0/a/with/endpoint the endpoint must start with a literal host, for example https://api.example.org/items/{id}; expressions may not choose the host",
    ],
  ],
  [
    "do:\n  - a:\n      call: http\n      with: { method: get, endpoint: 'https://a.example\\evil.example/' }\n",
    [
      "5:28 /do/0/a/with/endpoint the endpoint must start with a literal host, for example https://api.example.org/items/{id}; expressions may not choose the host",
    ],
  ],
  [
    `do:
  - a:
      call: http
      with: { method: get, endpoint: 'http://[::1/' }`,
    [
      "5:28 /do/0/a/with/endpoint the endpoint must start with a literal host, for example https://api.example.org/items/{id}; expressions may not choose the host",
    ],
  ],
  [
    `do:
  - a:
      call: http
      with: { method: get, endpoint: 'ftp://a.example' }`,
    [
      "5:28 /do/0/a/with/endpoint the endpoint must start with a literal host, for example https://api.example.org/items/{id}; expressions may not choose the host",
    ],
  ],
  [
    `do:
  - a:
      call: http
      with: { method: get, endpoint: { uri: 'https://a.example', authentication: { basic: {} } }, heders: {} }`,
    [
      "5:99 /do/0/a/with/heders “heders” is not a field of “call: http”; did you mean “headers”?",
      "5:84 /do/0/a/with/endpoint/authentication/basic “username” is missing",
      "5:84 /do/0/a/with/endpoint/authentication/basic “password” is missing",
    ],
  ],
  [
    `do:
  - a:
      call: llm
      with: {}`,
    ["5:7 /do/0/a/with give either `prompt` or `messages`"],
  ],
  [
    `do:
  - a:
      call: llm
      with: { prompt: a, messages: [] }`,
    ["5:7 /do/0/a/with give either `prompt` or `messages`"],
  ],
  [
    "do:\n  - a:\n      call: llm\n      with: { prompt: a, model: '${ .m }' }\n",
    [
      "5:26 /do/0/a/with/model “model” must be a literal name or alias: what a workflow may call is granted before it runs",
    ],
  ],
  [
    "do:\n  - a:\n      call: plugin\n      with: { plugin: '${ .p }', tool: 5 }\n",
    [
      "5:15 /do/0/a/with/plugin “plugin” must be a literal text: what a workflow may call is granted before it runs",
      "5:34 /do/0/a/with/tool “tool” must be a literal text: what a workflow may call is granted before it runs",
    ],
  ],
  [
    `do:
  - a:
      call: plugin`,
    ["3:5 /do/0/a/with “plugin” is missing in “call: plugin”", "3:5 /do/0/a/with “tool” is missing in “call: plugin”"],
  ],
  [
    `do:
  - a:
      call: thought.create`,
    ["3:5 /do/0/a/with “title” is missing in “call: thought.create”"],
  ],
  [
    `do:
  - a:
      call: http:1.0.0@other`,
    ["4:7 /do/0/a/call “http:1.0.0@other” is not a function; known are http, openapi, llm, plugin, thought.create"],
  ],
  [
    `do:
  - a:
      fork: {}`,
    ["4:7 /do/0/a/fork/branches give a list of tasks, each `- name: { … }`"],
  ],
  [
    `do:
  - a:
      fork: { branches: [], compete: 1, x: 1 }`,
    [
      "4:41 /do/0/a/fork/x “x” is not a field of fork; known are branches, compete",
      "4:15 /do/0/a/fork/branches give a list of tasks, each `- name: { … }`",
      "4:29 /do/0/a/fork/compete “compete” must be true or false",
    ],
  ],
  [
    `do:
  - a:
      fork: 5`,
    ["4:7 /do/0/a/fork “fork” must be a mapping"],
  ],
  [
    `do:
  - a:
      for: 5
      do: []`,
    ["4:7 /do/0/a/for “for” must be a mapping"],
  ],
  [
    `do:
  - a:
      for: { each: $x, in: 5, att: 1 }
      do:
        - b: { set: {} }`,
    [
      "4:31 /do/0/a/for/att “att” is not a field of for; did you mean “at”?",
      "4:24 /do/0/a/for/in “in” is an expression for the list, or the list",
      "4:14 /do/0/a/for/each a variable name has letters, digits and _, without $",
    ],
  ],
  [
    `do:
  - a:
      for: {}`,
    [
      "4:7 /do/0/a/for “in” is an expression for the list, or the list",
      "3:5 /do/0/a/do give a list of tasks, each `- name: { … }`",
    ],
  ],
  [
    `do:
  - a:
      raise: 5`,
    ["4:7 /do/0/a/raise “raise” must be a mapping"],
  ],
  [
    `do:
  - a:
      raise: {}`,
    ["4:7 /do/0/a/raise “error” is missing"],
  ],
  [
    `do:
  - a:
      raise: { error: nothing }`,
    ["4:16 /do/0/a/raise/error “nothing” is not under use.errors (which is empty)"],
  ],
  [
    `do:
  - a:
      raise: { error: 5 }`,
    ["4:16 /do/0/a/raise/error give an error with `type` and `status`, or the name of one under `use.errors`"],
  ],
  [
    `do:
  - a:
      raise: { error: { type: a, status: abc, titel: x } }`,
    [
      "4:47 /do/0/a/raise/error/titel “titel” is not a field of an error; known are type, status, title, detail, instance",
      "4:34 /do/0/a/raise/error/status `status` is a whole number from 100 to 599, or an expression",
    ],
  ],
  [
    `do:
  - a:
      raise: { error: {} }`,
    [
      "4:16 /do/0/a/raise/error “type” is missing in the error",
      "4:16 /do/0/a/raise/error “status” is missing in the error",
    ],
  ],
  [
    `do:
  - a:
      wait: 5`,
    ["4:7 /do/0/a/wait give a duration such as PT5S or { seconds: 5 }, of at most ten years"],
  ],
  [
    `do:
  - a:
      wait: PT`,
    ["4:7 /do/0/a/wait give a duration such as PT5S or { seconds: 5 }, of at most ten years"],
  ],
  [
    `do:
  - a:
      wait: { fortnights: 1 }`,
    ["4:7 /do/0/a/wait give a duration such as PT5S or { seconds: 5 }, of at most ten years"],
  ],
  [
    `do:
  - a:
      wait: { constructor: 1 }`,
    ["4:7 /do/0/a/wait give a duration such as PT5S or { seconds: 5 }, of at most ten years"],
  ],
  [
    `do:
  - a:
      wait: P100Y`,
    ["4:7 /do/0/a/wait give a duration such as PT5S or { seconds: 5 }, of at most ten years"],
  ],
  [
    `do:
  - a:
      run: {}`,
    ["4:7 /do/0/a/run “workflow” is missing: give a mapping"],
  ],
  [
    `do:
  - a:
      run: 5`,
    ["4:7 /do/0/a/run “run” must be a mapping"],
  ],
  [
    `do:
  - a:
      run: { container: { image: a } }`,
    ["4:14 /do/0/a/run/container “run: container” is not supported yet; supported is workflow"],
  ],
  [
    `do:
  - a:
      run: { script: { language: js } }`,
    ["4:14 /do/0/a/run/script “run: script” is not supported yet; supported is workflow"],
  ],
  [
    `do:
  - a:
      run: { shell: { command: ls } }`,
    ["4:14 /do/0/a/run/shell “run: shell” is not supported yet; supported is workflow"],
  ],
  [
    `do:
  - a:
      run: { workflow: { name: x } }`,
    ["4:14 /do/0/a/run/workflow “namespace” is missing: give a text"],
  ],
  [
    "do:\n  - a:\n      run: { workflow: { namespace: a, name: '${ .x }', x: 1 }, await: 5, return: none }\n",
    [
      "4:57 /do/0/a/run/workflow/x “x” is not a field of run.workflow; known are namespace, name, version, input",
      "4:40 /do/0/a/run/workflow/name “name” must be literal: what a workflow may start is granted before it runs",
      "4:75 /do/0/a/run/return “return” is for processes; a workflow answers its output",
      "4:65 /do/0/a/run/await “await” must be true or false",
    ],
  ],
  [
    `do:
  - a:
      emit: { event: {} }`,
    ["4:15 /do/0/a/emit/event “with” is missing: give a mapping"],
  ],
  [
    `do:
  - a:
      listen: { to: { one: {} } }
      foreach: {}`,
    ["4:23 /do/0/a/listen/to/one “with” is missing: give a mapping"],
  ],
  [
    `schedule: { every: PT1S }
do:
  - a:
      set: {}`,
    ["2:1 /schedule `schedule` is not supported yet"],
  ],
  [
    `evaluate: { language: js, mode: loose, x: 1 }
do:
  - a:
      set: {}`,
    [
      "2:40 /evaluate/x “x” is not a field of evaluate; known are language, mode",
      "2:13 /evaluate/language only jq is supported",
      "2:27 /evaluate/mode only strict mode is supported",
    ],
  ],
  [
    `use: { secrets: [a], authentications: {}, catalogs: {}, extensions: [], func: {} }
do:
  - a:
      set: {}`,
    [
      "2:73 /use/func “func” is not a field of use; known are functions, errors, retries, timeouts, secrets, authentications, catalogs, extensions",
      "2:43 /use/catalogs use.catalogs is not supported yet",
      "2:57 /use/extensions use.extensions is not supported yet",
    ],
  ],
  [
    "do:\n  - a/b~c:\n      set: { x: '${ ( }' }\n  - 0: { set: { y: '${ ) }' } }\n",
    [
      "4:14 /do/0/a~1b~0c/set/x the expression does not compile: Unexpected end of the expression (at character 4)",
      "5:17 /do/1/0/set/y the expression does not compile: Unexpected “)” (at character 2)",
    ],
  ],
];

test.each(CASES)("[WL2] [WL3] every fault of this text is reported with its place: %j", (text, problems) => {
  const parsed = parseWorkflow(text.startsWith("!") ? text.slice(1) : HEAD + text);
  expect(
    parsed.problems.map(({ line, column, pointer, message }) => `${line}:${column} ${pointer} ${message}`),
  ).toEqual(problems);
  expect(parsed.definition).toBeUndefined();
});
