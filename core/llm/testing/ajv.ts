import type { JsonObject } from "@logomesh/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";

/** A check of a value against the schema that answers the faults; independent of the code under test. */
export function ajvOf(schema: JsonObject): (value: unknown) => string[] {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  return (value) =>
    validate(value)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ""}`);
}
