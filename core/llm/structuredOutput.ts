import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { messageOf, sha256Hex } from "../base/index.ts";

/** Compiled schemas that are kept. */
const SCHEMAS_MAX = 200;

/** Reads answers that shall be JSON of a schema. */
export class StructuredOutput {
  readonly #compiled = new Map<string, ValidateFunction>();

  /** The value, or what is wrong with it in words for the model. */
  parse(schema: JsonObject, text: string): { value: JsonValue } | { fault: string } {
    let value: JsonValue;
    try {
      value = JSON.parse(withoutFence(text)) as JsonValue;
    } catch (error) {
      return { fault: `it is not JSON (${messageOf(error)})` };
    }
    const validate = this.#compile(schema);
    if (typeof validate === "string") return { fault: validate };
    if (validate(value)) return { value };
    const [first] = validate.errors ?? [];
    return { fault: `${first?.instancePath || "the value"} ${first?.message ?? "does not fit"}` };
  }

  #compile(schema: JsonObject): ValidateFunction | string {
    const key = sha256Hex(JSON.stringify(schema));
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    try {
      const compiled = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
      if (this.#compiled.size >= SCHEMAS_MAX) this.#compiled.clear();
      this.#compiled.set(key, compiled);
      return compiled;
    } catch (error) {
      return `the schema cannot be used: ${messageOf(error)}`;
    }
  }
}

/** Models like to wrap JSON in a Markdown fence. */
function withoutFence(text: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(text)?.[1] ?? text;
}
