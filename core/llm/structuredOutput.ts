import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import type { ValidateFunction } from "ajv/dist/2020.js";
import { createSchemaCompiler, messageOf, sha256Hex } from "../base/index.ts";

/** Compiled schemas that are kept. */
const SCHEMAS_MAX = 200;

/** An answer that does not fit; the message says why in words that the model understands too. */
export class MisfitError extends LogoMeshError {
  readonly text: string;

  constructor(text: string, fault: string) {
    super("LM_LLM_STRUCTURED_OUTPUT", `The answer does not fit the schema: ${fault}.`, { data: { partialText: text } });
    this.text = text;
  }
}

/** Reads answers that shall be JSON of a schema. */
export class StructuredOutput {
  readonly #compiled = new Map<string, ValidateFunction>();

  /** @throws MisfitError */
  parse(schema: JsonObject, text: string): JsonValue {
    let value: JsonValue;
    try {
      value = JSON.parse(withoutFence(text)) as JsonValue;
    } catch (error) {
      throw new MisfitError(text, `it is not JSON (${messageOf(error)})`);
    }
    const validate = this.#compile(schema);
    if (validate(value)) return value;
    const [first] = validate.errors ?? [];
    throw new MisfitError(text, `${first?.instancePath || "the value"} ${first?.message ?? "does not fit"}`);
  }

  /** @throws LogoMeshError LM_INPUT_INVALID when the schema cannot be used */
  check(schema: JsonObject): void {
    this.#compile(schema);
  }

  #compile(schema: JsonObject): ValidateFunction {
    const key = sha256Hex(JSON.stringify(schema));
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    try {
      const compiled = createSchemaCompiler({ strict: false, validateFormats: false }).compile(schema);
      if (this.#compiled.size >= SCHEMAS_MAX) this.#compiled.clear();
      this.#compiled.set(key, compiled);
      return compiled;
    } catch (error) {
      throw new LogoMeshError("LM_INPUT_INVALID", `The schema in \`format\` cannot be used: ${messageOf(error)}.`, {
        cause: error,
      });
    }
  }
}

/** Models like to wrap JSON in a Markdown fence. */
function withoutFence(text: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(text)?.[1] ?? text;
}
