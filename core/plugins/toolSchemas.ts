import { Script, createContext } from "node:vm";
import { LogoMeshError, type InputProblem, type JsonObject, type JsonValue } from "@logomesh/contracts";
import type { ValidateFunction } from "ajv/dist/2020.js";
import { createSchemaCompiler, messageOf, sha256Hex } from "../base/index.ts";

// Checks values against the schemas of plugins. They are other people's programs: a pattern, a recursive reference or `uniqueItems` can be
// written so that a check takes forever. Schemas of keywords whose cost is that of schema times value are compiled, and checked against
// small values, directly; all else runs under the engine's own time limit. Nothing is ever fetched.

/** Of one compilation or one check, by the clock on the wall: long enough for an honest schema on a machine that is busy. */
const CHECK_MS_MAX = 500;
/** Compiled schemas that are kept. */
const COMPILED_MAX = 2_000;
const PROBLEMS_MAX = 20;
/** Values with more parts are always checked under the time limit. */
const CHEAP_PARTS_MAX = 10_000;

/** Their cost is bounded by the sizes of schema and value. */
const CHEAP_KEYWORDS = new Set([
  ...[
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "prefixItems",
    "anyOf",
    "not",
  ],
  ...["allOf", "oneOf", "if", "then", "else", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  ...["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "multipleOf"],
  ...["title", "description", "default", "examples", "deprecated", "format", "$schema", "$comment", "readOnly"],
]);
/** Their members are schemas by name. */
const MAPS = new Set(["properties"]);
/** Their members are values. */
const VALUES = new Set(["enum", "const", "default", "examples"]);

interface CompiledSchema {
  validate: ValidateFunction;
  isCheap: boolean;
}

export class ToolSchemas {
  readonly #bySchema = new WeakMap<JsonObject, CompiledSchema>();
  readonly #byHash = new Map<string, CompiledSchema>();
  readonly #guard = new Guard();

  /** Empty when the value fits. @throws LogoMeshError LM_PLUGIN_PROTOCOL for a schema that cannot be used */
  validate(schema: JsonObject, value: JsonValue): InputProblem[] {
    const { validate, isCheap } = this.#compiled(schema);
    try {
      if (isCheap && isSmall(value) ? validate(value) : this.#guard.run(() => validate(value))) return [];
    } catch (error) {
      throw unusable(error);
    }
    return (validate.errors ?? []).slice(0, PROBLEMS_MAX).map(({ instancePath, message }) => ({
      pointer: instancePath,
      message: message ?? "does not fit",
    }));
  }

  #compiled(schema: JsonObject): CompiledSchema {
    let compiled = this.#bySchema.get(schema);
    if (compiled !== undefined) return compiled;
    const hash = sha256Hex(JSON.stringify(schema));
    compiled = this.#byHash.get(hash) ?? this.#compile(schema);
    const [oldest] = this.#byHash.keys();
    if (this.#byHash.size >= COMPILED_MAX && oldest !== undefined) this.#byHash.delete(oldest);
    this.#byHash.set(hash, compiled);
    this.#bySchema.set(schema, compiled);
    return compiled;
  }

  #compile(schema: JsonObject): CompiledSchema {
    try {
      // A validator that answers a promise would count as a yes.
      if (JSON.stringify(schema).includes('"$async"')) throw new Error("$async is not a keyword of JSON Schema");
      const ajv = createSchemaCompiler({ strict: false, validateFormats: false, validateSchema: false, logger: false });
      const cheap = isCheap(schema);
      return { validate: cheap ? ajv.compile(schema) : this.#guard.run(() => ajv.compile(schema)), isCheap: cheap };
    } catch (error) {
      throw unusable(error);
    }
  }
}

/** Runs a function and stops it when it takes too long, in the middle of a regular expression too. */
class Guard {
  readonly #context = createContext({ run: undefined }) as { run: (() => void) | undefined };
  readonly #script = new Script("run()");

  run<T>(work: () => T): T {
    let result: { value: T } | undefined;
    this.#context.run = () => (result = { value: work() });
    try {
      this.#script.runInContext(this.#context, { timeout: CHECK_MS_MAX });
    } finally {
      this.#context.run = undefined;
    }
    return (result as unknown as { value: T }).value;
  }
}

function isCheap(schema: JsonValue | undefined): boolean {
  if (Array.isArray(schema)) return schema.every(isCheap);
  if (typeof schema !== "object" || schema === null) return true;
  return Object.entries(schema).every(([keyword, value]) => {
    if (!CHEAP_KEYWORDS.has(keyword)) return false;
    if (VALUES.has(keyword)) return true;
    return MAPS.has(keyword) ? Object.values(value ?? {}).every(isCheap) : isCheap(value);
  });
}

function isSmall(value: JsonValue): boolean {
  let left = CHEAP_PARTS_MAX;
  const count = (part: JsonValue): boolean => {
    left -= 1;
    if (left < 0) return false;
    return typeof part !== "object" || part === null || Object.values(part).every(count);
  };
  return count(value);
}

function unusable(error: unknown): LogoMeshError {
  const detail = `A schema of the plugin cannot be used: ${messageOf(error)}.`;
  return new LogoMeshError("LM_PLUGIN_PROTOCOL", detail, { cause: error });
}

/** Whether a schema was given up because it took too long. */
export function tookTooLong(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } };
  return cause?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
