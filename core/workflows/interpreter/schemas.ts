import type { InputProblem, JsonObject, JsonValue } from "@logomesh/contracts";
import type { ValidateFunction } from "ajv/dist/2020.js";
import { addSchemaFormats, canonicalJson, createSchemaCompiler, messageOf, sha256Hex } from "../../base/index.ts";

/** Compiled schemas that are kept; a definition has a handful. */
const SCHEMAS_MAX = 500;
const PROBLEMS_MAX = 50;

/** JSON Schema 2020-12. Compiled once for each content; references to other documents are refused, nothing is fetched. */
export class SchemaValidator {
  readonly #byDocument = new WeakMap<JsonObject, ValidateFunction>();
  readonly #byHash = new Map<string, ValidateFunction>();

  /** Why the schema cannot be used, or undefined. */
  check(schema: JsonObject): string | undefined {
    try {
      this.#compile(schema);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Empty when the value fits. */
  validate(schema: JsonObject, value: JsonValue): InputProblem[] {
    const validate = this.#compile(schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).slice(0, PROBLEMS_MAX).map(({ instancePath, message, params }) => {
      const missing = (params as { missingProperty?: unknown }).missingProperty;
      return {
        pointer: typeof missing === "string" ? `${instancePath}/${missing}` : instancePath,
        message: message ?? "does not fit",
      };
    });
  }

  #compile(schema: JsonObject): ValidateFunction {
    const known = this.#byDocument.get(schema);
    if (known !== undefined) return known;
    const hash = sha256Hex(canonicalJson(schema));
    let validate = this.#byHash.get(hash);
    if (validate === undefined) {
      // An instance of its own: an `$id` in one document cannot clash with another's.
      const ajv = createSchemaCompiler({ strict: false, allErrors: true, validateFormats: true });
      addSchemaFormats(ajv);
      validate = ajv.compile(schema);
      const oldest = this.#byHash.size >= SCHEMAS_MAX ? this.#byHash.keys().next().value : undefined;
      if (oldest !== undefined) this.#byHash.delete(oldest);
      this.#byHash.set(hash, validate);
    }
    this.#byDocument.set(schema, validate);
    return validate;
  }
}
