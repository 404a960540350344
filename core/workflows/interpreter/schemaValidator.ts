import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { canonicalJson } from "../../base/index.ts";

/** Compiled schemas kept; a workspace has tens. */
const SCHEMAS_MAX = 500;

/** Checks values against JSON Schema 2020-12; compiled once for each distinct schema. References to elsewhere are never fetched. */
export class SchemaValidator {
  readonly #compiled = new Map<string, ValidateFunction>();

  /** @returns the faults with their pointers; empty when the value fits */
  check(schema: JsonObject, value: JsonValue): { pointer: string; message: string }[] {
    const validate = this.#compile(schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).map((error) => ({
      pointer: error.instancePath + (error.keyword === "required" ? `/${String(error.params.missingProperty)}` : ""),
      message: error.message ?? "does not fit the schema",
    }));
  }

  #compile(schema: JsonObject): ValidateFunction {
    const key = canonicalJson(schema);
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    if (this.#compiled.size >= SCHEMAS_MAX) this.#compiled.clear();
    const ajv = new Ajv2020({ strict: false, allErrors: true, addUsedSchema: false, validateFormats: true });
    addFormats.default(ajv);
    const validate = ajv.compile(schema);
    this.#compiled.set(key, validate);
    return validate;
  }
}
