import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { isObject, type Variables } from "../expressions/index.ts";
import type { Task, WorkflowDefinition } from "../language/index.ts";
import type { Frame, Scope } from "./frame.ts";

/** What a run's expressions may know of their surroundings. */
export class RunVariables {
  readonly #document: JsonObject;
  readonly #workflow: JsonObject;
  readonly #runtime: JsonObject;

  constructor(options: {
    definition: WorkflowDefinition;
    runId: string;
    input: JsonValue;
    startedAtMs: number;
    runtime: { name: string; version: string };
  }) {
    this.#document = options.definition.document;
    this.#workflow = {
      id: options.runId,
      definition: options.definition.document,
      input: options.input,
      startedAt: describeInstant(options.startedAtMs),
    };
    this.#runtime = { ...options.runtime, metadata: {} };
  }

  of(frame: Frame, options: { context: JsonValue; output?: JsonValue; scope?: Scope }): Variables {
    const document = this.#document;
    const { output } = options;
    return {
      ...frame.scope,
      ...options.scope,
      context: options.context,
      input: frame.input,
      ...(output === undefined ? {} : { output }),
      workflow: this.#workflow,
      runtime: this.#runtime,
      // Rarely used and not free, so made when an expression asks.
      get task(): JsonValue {
        return describeTask(document, frame, output);
      },
    };
  }
}

function describeTask(document: JsonObject, frame: Frame, output: JsonValue | undefined): JsonObject {
  return {
    name: frame.task.name,
    reference: frame.task.reference,
    definition: definitionOf(document, frame.task),
    input: frame.rawInput,
    ...(output === undefined ? {} : { output }),
    startedAt: describeInstant(frame.startedAtMs),
  };
}

function definitionOf(document: JsonObject, task: Task): JsonValue {
  let value: JsonValue = document;
  for (const escaped of task.reference.split("/").slice(1)) {
    // RFC 6901: names may hold what separates them.
    const step = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    const next: JsonValue | undefined = Array.isArray(value)
      ? value[Number(step)]
      : isObject(value) && Object.hasOwn(value, step)
        ? value[step]
        : undefined;
    if (next === undefined) return null;
    value = next;
  }
  return value;
}

function describeInstant(ms: number): JsonObject {
  return {
    iso8601: new Date(ms).toISOString(),
    epoch: { seconds: Math.floor(ms / 1000), milliseconds: ms },
  };
}
