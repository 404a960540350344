// docs/workflow-reference.md: every task, field and function that the reader of workflows accepts, with a text for each and an example.
import type { LanguageTables } from "../core/workflows/language/index.ts";

const HEAD = `# Workflow reference

Workflows are written in the [Open Workflow Specification](https://open-workflow-specification.org) 1.0.3 (before June 2026: CNCF Serverless
Workflow), as YAML or JSON. Names of fields and tasks are taken from the reader's own tables by \`node script/generate.ts\`. What is not
listed here is refused with its line and column, never ignored. A first workflow, step by step: [workflows.md](workflows.md).
What is promised when something breaks: [guarantees.md](guarantees.md).

## The document

| member | what it is |
| --- | --- |
| \`document\` | **required**: \`dsl\` ("1.0.0" to "1.0.3"), \`namespace\` and \`name\` (small letters, digits, dashes), \`version\` (such as 1.0.0); \`title\`, \`summary\`, \`tags\`, \`metadata\` |
| \`document.metadata.logomesh.concurrency\` | how many runs go on at once: a number, or \`{ runs, key }\` with an expression over the input; the others are \`pending\` and start by priority, then age |
| \`input\` | \`schema: { document: <JSON Schema> }\` is checked before there is a run; \`from\` shapes what the first task gets |
| \`use\` | parts with names: \`functions\`, \`errors\`, \`retries\`, \`timeouts\`, \`authentications\`; and \`secrets\`, a list of the names of values that \`logomesh secret set\` keeps |
| \`do\` | **required**: the tasks, a list of \`- name: { … }\` |
| \`timeout\` | \`{ after: PT1H }\` for the whole run |
| \`output\` | \`as\` shapes the result, \`schema\` checks it |
| \`evaluate\` | \`language: jq\`, \`mode: strict\`: the only ones there are |

## Fields of every task
`;

const SHARED: Record<string, string> = {
  if: "an expression; false or null skips the task, and its input goes on unchanged",
  input: "`from` shapes what the task gets; `schema` checks it",
  output: "`as` shapes what it hands on; `schema` checks it",
  export: "`as` gives what `$context` is from then on",
  timeout:
    "`{ after: PT30S }` or the name of one under `use.timeouts`; stops everything below the task and faults it. Time in a queue counts",
  then: "`continue`, `exit` (leaves this list), `end` (ends the run), or the name of a task of the same list",
  metadata: "anything; `logomesh.effect` says how often an effect may happen: `pure`, `idempotent` or `once`",
};

/** What a task does, and an example of each: the value of one task of a list. */
const TASKS: Record<string, { about: string; example: string }> = {
  do: { about: "Runs its list in order; the last output is its own.", example: "do: [ { first: { set: { a: 1 } } } ]" },
  set: { about: "Gives a value.", example: 'set: { greeting: "${ \\"Hello \\" + .name }" }' },
  call: { about: "Calls one of the functions below.", example: "call: llm\nwith: { prompt: Say hello. }" },
  for: {
    about:
      "Runs its list once for each item of `in`, one after the other; `each` and `at` name the variables (default `$item`, `$index`).",
    example:
      'for: { each: file, in: "${ .files }", at: number }\nwhile: "${ $number < 10 }"\ndo: [ { keep: { set: { name: "${ $file.name }" } } } ]',
  },
  fork: {
    about:
      "Runs its branches at once and answers the list of their outputs; with `compete: true` the first that ends wins and the others are stopped.",
    example: "fork:\n  compete: false\n  branches: [ { one: { set: { a: 1 } } }, { two: { set: { b: 2 } } } ]",
  },
  switch: {
    about: "Goes to the `then` of the first case whose `when` holds; a case without `when` always does.",
    example: "switch:\n  - many: { when: .count > 10, then: end }\n  - few: { then: continue }",
  },
  try: {
    about:
      "Runs its list; `catch` takes errors that fit (`errors.with`, `when`, `exceptWhen`), tries again by `retry` (`delay`, `backoff` constant, linear or exponential, `jitter`, `limit`), then runs `do` with the error as `$error` or what `as` names.",
    example:
      "try: [ { ask: { call: llm, with: { prompt: Hello } } } ]\ncatch:\n  retry: { delay: PT1S, backoff: { exponential: {} }, limit: { attempt: { count: 4 }, duration: PT1M } }\n  do: [ { instead: { set: { text: nobody answers } } } ]",
  },
  raise: {
    about: "Faults with an error, or one under `use.errors`.",
    example: "raise: { error: { type: https://example.org/errors/empty, status: 422, title: Nothing to do } }",
  },
  wait: {
    about: "Waits: an ISO 8601 duration, `{ seconds: 5 }`, or an expression. Survives restarts.",
    example: "wait: PT5M",
  },
  run: {
    about: "Runs another workflow as a child and answers its output; `await: false` does not wait for it.",
    example: "run:\n  workflow: { namespace: default, name: other, version: 1.0.0, input: { text: Hello } }",
  },
  emit: {
    about:
      "Publishes an event (CloudEvents): `type` is literal and granted; `id`, `source` and `time` are added where they are missing.",
    example:
      'emit: { event: { with: { type: com.example.order.paid, subject: "${ .order }", data: { amount: 12 } } } }',
  },
  listen: {
    about:
      "Waits for events, `one`, `any` or `all`, and answers the list of their data (`read: envelope` or `raw` gives more). `any` goes on `until` a condition or other events; `correlate` ties events to the run (`from` sees the whole event); `foreach` does its tasks for each. A signal to this run (`logomesh runs signal`) has the type `io.logomesh.signal.<name>`.",
    example:
      'listen:\n  to:\n    any: [ { with: { type: com.example.order.paid }, correlate: { order: { from: .data.order, expect: "${ .order }" } } } ]\n    until: length == 2',
  },
};

const CALLS: Record<string, string> = {
  http: "Sends a request. The host is literal and granted with the workflow; `{name}` in path and query is filled from the input. GET, HEAD and OPTIONS are idempotent, everything else is `once` and carries an `Idempotency-Key`. Redirects are answers (`redirect: true` takes them as good ones). `output`: `content` (default), `response`, `raw`. `endpoint` may be `{ uri, authentication }`: `basic`, `bearer` or `digest` with `{ use: <name of a secret> }` (named under `use.secrets`, set with `logomesh secret set`) or values of its own, `oauth2` for clients, or the name of one under `use.authentications`.",
  openapi:
    "Does the operation `operationId` of the OpenAPI document (2.0, 3.0, 3.1) at `document.endpoint`, a literal URL; `parameters` by name, a body as `body` or as the members that are no parameter. `authentication` and `output` as for `http`. Hosts that the document names beside its own are asked for with `metadata.logomesh.hosts`.",
  llm: "Asks a model: `prompt` or `messages`. `model` is `default`, `fast`, or the name of one; `format` a JSON Schema that the answer must fit (then `structured`). Answers `text`, `model`, `provider`, `simulated`. Idempotent.",
  plugin:
    "Calls a tool of an installed plugin; both are literal. How often it may happen is what the plugin's manifest says.",
  "thought.create": "Keeps a thought, exactly once, with its step.",
};

export function workflowReference({ sharedFields, tasks, calls, callsNotSupported }: LanguageTables): string {
  return [
    HEAD,
    "| field | what it does |\n| --- | --- |",
    ...sharedFields.map((field) => `| \`${field}\` | ${textOf(SHARED, field, "field of every task")} |`),
    "\n## Tasks",
    ...Object.entries(tasks).flatMap(([type, fields]) => taskSection(type, fields)),
    "\n## Functions\n",
    "`call: <name>` with its arguments under `with`; `call: <name>:1.0.0@default` is the same in the specification's form. A name under",
    "`use.functions` is one of these with arguments preset.\n",
    "| function | arguments (**required**) | what it does |\n| --- | --- | --- |",
    ...Object.entries(calls).map(([call, { required, fields }]) => {
      const names = fields.map((field) => (required.includes(field) ? `**\`${field}\`**` : `\`${field}\``));
      return `| \`${call}\` | ${names.join(" ")} | ${textOf(CALLS, call, "function")} |`;
    }),
    ...(callsNotSupported.length === 0
      ? []
      : [`\nRefused with “not supported yet”: ${callsNotSupported.map((call) => `\`call: ${call}\``).join(", ")}.`]),
    EXPRESSIONS,
  ].join("\n");
}

const EXPRESSIONS = `
## Expressions

\`\${ … }\` is [jq](https://jqlang.org/manual/) 1.8. \`.\` is the task's input (in \`output\` and \`export\`: its output); \`$context\`, \`$input\`,
\`$output\`, \`$task\`, \`$workflow\` and \`$runtime\` are what the specification says, \`$item\`, \`$index\` and \`$error\` where a loop or a \`catch\` gives
them. Text in data that looks like an expression stays text. An expression may take one second and give 4 Mi characters.
`;

function taskSection(type: string, fields: readonly string[]): string[] {
  const task = TASKS[type];
  if (task === undefined) throw missing("task", type);
  const also = fields.length === 0 ? "" : ` Also: ${fields.map((field) => `\`${field}\``).join(", ")}.`;
  return [
    `\n### \`${type}\`\n`,
    `${task.about}${also}`,
    ...(task.example === "" ? [] : [`\n\`\`\`yaml\n${task.example}\n\`\`\``]),
  ];
}

function textOf(texts: Record<string, string>, name: string, what: string): string {
  const text = texts[name];
  if (text === undefined) throw missing(what, name);
  return text;
}

function missing(what: string, name: string): Error {
  return new Error(
    `docs/workflow-reference.md has no text for the ${what} “${name}”: write one in script/workflowReference.ts.`,
  );
}
