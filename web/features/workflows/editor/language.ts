/** The Open Workflow Specification 1.0.3 as the editor proposes it: documents and tasks. What the workbench takes, validation says. */
import { CALL_ARGUMENTS, CALL_NAME, JSON_SCHEMA, membersOf } from "./calls.ts";
import { mapping, oneOf, type Field, type Node } from "./grammar.ts";
import { DURATION, ERROR_TYPE, YES_OR_NO } from "./values.ts";

/** `then`: where the flow goes. */
const DIRECTIVE: Node = {
  values: ({ siblings }) => [
    { value: "continue", detail: "the next task" },
    { value: "exit", detail: "out of this list" },
    { value: "end", detail: "the end of the workflow" },
    ...siblings.map((value) => ({ value, detail: "a task of this list" })),
  ],
};

const component = (kind: string, node: Node): Node => ({
  ...node,
  values: (at) => [
    ...(node.values?.(at) ?? []),
    ...Object.keys(membersOf(at.document, kind)).map((value) => ({ value, detail: `under use.${kind}` })),
  ],
});

const SCHEMA: Field = {
  doc: "What the value must look like.",
  node: mapping({
    format: { doc: "Only JSON Schema.", node: oneOf("json") },
    document: { doc: "The JSON Schema itself.", node: JSON_SCHEMA },
  }),
};
const INPUT: Field = {
  doc: "Checks and shapes what comes in.",
  node: mapping({ schema: SCHEMA, from: { doc: "Expression that shapes the input." } }),
};
const OUTPUT: Field = {
  doc: "Checks and shapes what goes out.",
  node: mapping({ schema: SCHEMA, as: { doc: "Expression that shapes the output." } }),
};
const EXPORT: Field = {
  doc: "Keeps something as $context for later tasks.",
  node: mapping({ schema: SCHEMA, as: { doc: "Expression for the new $context." } }),
};
const TIMEOUT: Field = {
  doc: "Stops it after this time.",
  node: component("timeouts", mapping({ after: { doc: "ISO 8601 or a mapping.", node: DURATION } })),
};

const ERROR = mapping({
  type: { doc: "URI of the kind of error.", node: ERROR_TYPE },
  status: { doc: "HTTP status that fits, 100 to 599." },
  title: { doc: "What failed, in a few words." },
  detail: { doc: "What failed, exactly." },
  instance: { doc: "Pointer to the task that failed." },
});

const NOTHING: Node = {};
const RETRY = mapping({
  when: { doc: "Expression: only then it is tried again." },
  exceptWhen: { doc: "Expression: then it is not tried again." },
  delay: { doc: "Pause before the next attempt.", node: DURATION },
  backoff: {
    doc: "How the pause grows.",
    node: mapping({
      constant: { doc: "Always the same pause.", node: NOTHING },
      linear: { doc: "Grows by the delay each time.", node: NOTHING },
      exponential: { doc: "Doubles each time.", node: NOTHING },
    }),
  },
  limit: {
    doc: "When it is given up.",
    node: mapping({
      attempt: {
        doc: "Limits of attempts.",
        node: mapping({
          count: { doc: "Attempts in total, the first included." },
          duration: { doc: "Time of each attempt at most.", node: DURATION },
        }),
      },
      duration: { doc: "Time of all attempts together.", node: DURATION },
    }),
  },
  jitter: {
    doc: "Random time added to the pause.",
    node: mapping({ from: { doc: "At least.", node: DURATION }, to: { doc: "At most.", node: DURATION } }),
  },
});

const EVENT = mapping({
  id: { doc: "Id of the event." },
  source: { doc: "URI of where it comes from." },
  type: { doc: "Kind of event." },
  time: { doc: "When it happened." },
  subject: { doc: "What it is about." },
  datacontenttype: { doc: "Media type of the data." },
  data: { doc: "What it carries." },
});
const EVENT_FILTER = mapping({
  with: { doc: "Attributes that must be equal, or fit an expression.", node: EVENT },
  correlate: {
    doc: "Values by which events belong together.",
    node: {
      named: () =>
        mapping({
          from: { doc: "Expression for the value in the event." },
          expect: { doc: "The value it must have." },
        }),
    },
  },
});
const EVENT_CHOICE: Record<string, Field> = {
  one: { doc: "One event that fits.", node: EVENT_FILTER },
  any: { doc: "Any of these events.", node: { items: () => EVENT_FILTER } },
  all: { doc: "All of these events, in any order.", node: { items: () => EVENT_FILTER } },
};

const TASKS: Node = { isTaskList: true, items: () => TASK_ENTRY };
const TASK_ENTRY: Node = { isTaskEntry: true, named: () => TASK };

const LOOP = mapping({
  each: { doc: "Name of the variable for the item; without it $item." },
  in: { doc: "Expression for the list, or the list." },
  at: { doc: "Name of the variable for the position; without it $index." },
});
const CATCH = mapping({
  errors: {
    doc: "Which errors are caught; without it all.",
    node: mapping({ with: { doc: "Members that must be equal.", node: ERROR } }),
  },
  as: { doc: "Name of the variable for the error; without it $error." },
  when: { doc: "Expression: only then it is caught." },
  exceptWhen: { doc: "Expression: then it is not caught." },
  retry: { doc: "Tries again.", node: component("retries", RETRY) },
  do: { doc: "Tasks that run when all attempts failed.", node: TASKS },
  then: { doc: "Where the flow goes afterwards.", node: DIRECTIVE },
});
const RUN = mapping({
  workflow: {
    doc: "Starts another workflow.",
    node: mapping({
      namespace: {
        doc: "Its namespace.",
        node: { values: ({ knowledge }) => distinct(knowledge.workflows.map(({ namespace }) => namespace)) },
      },
      name: {
        doc: "Its name.",
        node: {
          values: ({ knowledge }) =>
            knowledge.workflows.map(({ name, namespace }) => ({ value: name, detail: namespace })),
        },
      },
      version: {
        doc: "Its version; without it the newest.",
        node: {
          values: ({ knowledge }) => distinct(["latest", ...knowledge.workflows.flatMap(({ versions }) => versions)]),
        },
      },
      input: { doc: "What it is given." },
    }),
  },
  script: {
    doc: "Runs a program in the sandbox.",
    node: mapping({
      language: { doc: "Its language.", node: oneOf("js", "python") },
      code: { doc: "The program, literal." },
      arguments: { doc: "What it is given." },
      environment: { doc: "Environment variables." },
      stdin: { doc: "Text on its standard input." },
    }),
  },
  shell: {
    doc: "Runs a command in the sandbox.",
    node: mapping({
      command: { doc: "The command, literal: data goes to arguments, environment or stdin." },
      arguments: { doc: "Its arguments." },
      environment: { doc: "Environment variables." },
      stdin: { doc: "Text on its standard input." },
    }),
  },
  await: { doc: "Whether the task waits for the end.", node: YES_OR_NO },
  return: { doc: "What a program answers.", node: oneOf("stdout", "stderr", "code", "all", "none") },
});

/** What makes a task of its type; of these a task has one. */
export const TASK_TYPES: Record<string, Field> = {
  set: { doc: "Computes a value." },
  call: { doc: "Calls a model, a plugin, a server or the workbench.", node: CALL_NAME },
  do: { doc: "Tasks one after the other.", node: TASKS },
  fork: {
    doc: "Tasks at the same time.",
    node: mapping({
      branches: { doc: "The tasks.", node: TASKS },
      compete: { doc: "The first to end wins, the others are cancelled.", node: YES_OR_NO },
    }),
  },
  for: { doc: "Repeats `do` for each item of a list.", node: LOOP },
  switch: {
    doc: "Goes where the first case leads whose condition holds.",
    node: {
      items: () => ({
        named: () =>
          mapping({
            when: { doc: "Expression; without it the case always holds." },
            then: { doc: "Where the flow goes.", node: DIRECTIVE },
          }),
      }),
    },
  },
  try: { doc: "Tasks whose errors are caught.", node: TASKS },
  raise: { doc: "Raises an error.", node: mapping({ error: { doc: "The error.", node: component("errors", ERROR) } }) },
  wait: { doc: "Waits, also over a restart.", node: DURATION },
  run: { doc: "Runs a workflow or a program.", node: RUN },
  emit: {
    doc: "Publishes an event.",
    node: mapping({ event: { doc: "The event.", node: mapping({ with: { doc: "Its attributes.", node: EVENT } }) } }),
  },
  listen: {
    doc: "Waits for events.",
    node: mapping({
      to: {
        doc: "For which.",
        node: mapping({ ...EVENT_CHOICE, until: { doc: "Goes on until this holds or happens." } }),
      },
      read: { doc: "What of an event the task answers.", node: oneOf("data", "envelope", "raw") },
    }),
  },
};

/** What goes with a type. */
const EXTRAS: Record<string, Record<string, Field>> = {
  call: { with: { doc: "Arguments of the call.", node: CALL_ARGUMENTS } },
  for: {
    while: { doc: "Expression: stops the loop when it no longer holds." },
    do: { doc: "Tasks for each item.", node: TASKS },
  },
  try: { catch: { doc: "What happens with errors.", node: CATCH } },
  listen: {
    foreach: {
      doc: "Tasks for each event.",
      node: mapping({
        item: { doc: "Name of the variable for the event." },
        at: { doc: "Name of the variable for the position." },
        do: { doc: "Tasks for each event.", node: TASKS },
      }),
    },
  },
};

const EVERY_TASK: Record<string, Field> = {
  if: { doc: "Expression: the task is skipped unless it holds." },
  input: INPUT,
  output: OUTPUT,
  export: EXPORT,
  timeout: TIMEOUT,
  then: { doc: "Where the flow goes afterwards.", node: DIRECTIVE },
  metadata: {
    doc: "Notes for tools.",
    node: mapping({
      logomesh: {
        doc: "What the workbench is told about the task.",
        node: mapping({
          effect: {
            doc: "What a second try would do.",
            node: oneOf(
              { value: "pure", detail: "changes nothing" },
              { value: "idempotent", detail: "twice is the same as once" },
              { value: "once", detail: "never tried again unasked" },
            ),
          },
        }),
      },
    }),
  },
};

/** A task: its type, what goes with it, and what every task has. */
const TASK: Node = {
  fields: ({ trail }) => {
    const task = trail.at(-1);
    const keys = typeof task === "object" && task !== null ? Object.keys(task) : [];
    const types = keys.filter((key) => key in TASK_TYPES);
    // `do` is also the body of a `for`.
    const [type] = types.length > 1 ? types.filter((key) => key !== "do") : types;
    if (type === undefined) return { ...TASK_TYPES, ...EVERY_TASK };
    return { ...pick(TASK_TYPES, type), ...EXTRAS[type], ...EVERY_TASK };
  },
};

const SCHEDULE = mapping({
  cron: { doc: "Minute, hour, day, month, day of the week." },
  every: { doc: "Again after this time.", node: DURATION },
  after: { doc: "Again this long after the end.", node: DURATION },
  on: { doc: "When events arrive.", node: mapping(EVENT_CHOICE) },
});

export const DOCUMENT: Node = mapping({
  document: {
    doc: "Name and version of the workflow.",
    node: mapping({
      dsl: { doc: "Version of the specification.", node: oneOf("1.0.3") },
      namespace: {
        doc: "Small letters, digits and dashes.",
        node: {
          values: ({ knowledge }) => distinct(["default", ...knowledge.workflows.map(({ namespace }) => namespace)]),
        },
      },
      name: { doc: "Small letters, digits and dashes." },
      version: { doc: "Semantic version, such as 1.0.0." },
      title: { doc: "What people call it." },
      summary: { doc: "What it does." },
      tags: { doc: "Names and values to sort it by." },
    }),
  },
  input: INPUT,
  use: {
    doc: "Parts that several tasks share.",
    node: mapping({
      functions: {
        doc: "Calls by name.",
        node: {
          named: () =>
            mapping({
              call: { doc: "What is called.", node: CALL_NAME },
              with: { doc: "Arguments that are set.", node: CALL_ARGUMENTS },
            }),
        },
      },
      errors: { doc: "Errors by name.", node: { named: () => ERROR } },
      retries: { doc: "Retry policies by name.", node: { named: () => RETRY } },
      timeouts: {
        doc: "Timeouts by name.",
        node: { named: () => mapping({ after: { doc: "The time.", node: DURATION } }) },
      },
      secrets: { doc: "Names of secrets that the workflow reads." },
      authentications: { doc: "Authentications by name." },
      catalogs: { doc: "Catalogues of functions by name." },
    }),
  },
  do: { doc: "The tasks of the workflow.", node: TASKS },
  timeout: { ...TIMEOUT, doc: "Stops the run after this time." },
  output: OUTPUT,
  schedule: { doc: "When it starts by itself.", node: SCHEDULE },
  evaluate: {
    doc: "Language of expressions: jq.",
    node: mapping({
      language: { doc: "Only jq.", node: oneOf("jq") },
      mode: { doc: "Only strict.", node: oneOf("strict") },
    }),
  },
  metadata: { doc: "Notes for tools." },
});

function distinct(values: readonly string[]): { value: string }[] {
  return [...new Set(values)].map((value) => ({ value }));
}

function pick(fields: Record<string, Field>, name: string): Record<string, Field> {
  const field = fields[name];
  return field === undefined ? {} : { [name]: field };
}
