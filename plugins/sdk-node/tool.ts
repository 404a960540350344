import type { Host } from "./host.ts";
import type { JsonValue } from "./jsonValue.ts";
import type { JsonSchema, Schema } from "./schema.ts";

/**
 * How often the effect of a call may happen: `pure` any number of times, `idempotent` any number with one key, `once` at
 * most once. The workbench relies on what `plugin.json` says; keep both the same.
 */
export type Effect = "pure" | "idempotent" | "once";

export interface PluginInfo {
  name: string;
  version: string;
}

export interface ToolProgress {
  /** Must rise from call to call. */
  progress: number;
  total?: number;
  message?: string;
}

export interface ToolContext {
  /** Aborts when the caller cancels and when the workbench stops the plugin. */
  readonly signal: AbortSignal;
  /** The same for every attempt of one step, when the tool is `idempotent` and a workflow calls it. */
  readonly idempotencyKey: string | undefined;
  /** What a person set for the plugin, over the defaults of `config` in its manifest. */
  readonly settings: Readonly<Record<string, JsonValue>>;
  /** What the workbench does for the plugin on behalf of whoever called: files, store, models, other plugins, events. */
  readonly host: Host;
  /** Tells the caller how far the call is. Reports closer than 50 ms after the last one are dropped. */
  progress(report: ToolProgress): void;
  /** Writes a line to the plugin's log (stderr). */
  log(message: string, fields?: Record<string, unknown>): void;
}

export type Handler<I, O> = (args: I, context: ToolContext) => O | Promise<O>;

export interface ToolOptions<I, O> {
  title?: string;
  /** What the tool does, for people and models that choose among tools. */
  description: string;
  effect: Effect;
  /** An object schema; without it the tool takes no arguments. */
  input?: Schema<I>;
  /** An object schema that every result must fit. */
  output?: Schema<O>;
  handler: Handler<I, O>;
}

/** A tool with its types erased, as the server holds it. */
export interface Tool {
  readonly name: string;
  readonly title: string | undefined;
  readonly description: string;
  readonly effect: Effect;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema | undefined;
  readonly call: (args: Record<string, JsonValue>, context: ToolContext) => unknown;
}

/** Throw it for a failure that the caller can do something about; its message is shown as it is. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

const NO_ARGUMENTS: JsonSchema = { type: "object", properties: {}, additionalProperties: false };

/** @throws TypeError when the declaration could not work */
export function makeTool<I, O>(name: string, options: ToolOptions<I, O>): Tool {
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(name)) {
    throw new TypeError(`Tool name "${name}": use 1 to 128 letters, digits, "_", "-" or "."`);
  }
  const inputSchema = options.input?.json ?? NO_ARGUMENTS;
  if (inputSchema.type !== "object") throw new TypeError(`Tool ${name}: the input schema must be an object schema`);
  const outputSchema = options.output?.json;
  if (outputSchema !== undefined && outputSchema.type !== "object") {
    throw new TypeError(`Tool ${name}: the output schema must be an object schema`);
  }
  return {
    name,
    title: options.title,
    description: options.description,
    effect: options.effect,
    inputSchema,
    outputSchema,
    // The server checks the arguments against inputSchema before it calls.
    call: (args, context) => options.handler(args as I, context),
  };
}
