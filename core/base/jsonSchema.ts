import { createRequire } from "node:module";
import type { Ajv2020, Options } from "ajv/dist/2020.js";

const require = createRequire(import.meta.url);

/** A validator of JSON Schema 2020-12. Its 150 modules take some 30 ms to load, so they are not loaded before the first schema needs them. */
export function createSchemaCompiler(options: Options): Ajv2020 {
  const { Ajv2020: Compiler } = require("ajv/dist/2020.js") as { Ajv2020: new (options: Options) => Ajv2020 };
  return new Compiler(options);
}

/** Teaches a validator the formats of the specification: `date-time`, `uri` and the like. */
export function addSchemaFormats(compiler: Ajv2020): void {
  const { default: addFormats } = require("ajv-formats") as { default: (compiler: Ajv2020) => void };
  addFormats(compiler);
}
