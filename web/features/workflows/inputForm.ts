/** The start form that a JSON Schema of simple types asks for, and the input that its values make. */
import type { JsonObject, JsonValue } from "@logomesh/contracts";

export interface FormField {
  name: string;
  label: string;
  description: string | undefined;
  required: boolean;
  kind: "line" | "text" | "number" | "boolean" | "choice" | "json";
  choices: string[];
  initial: JsonValue | undefined;
}

/** What a person typed: text of the field, or the state of a box. */
export type FormValues = Readonly<Record<string, string | boolean>>;

export interface MadeInput {
  input: JsonObject;
  /** By field: why it cannot be read. */
  faults: Record<string, string>;
}

/** A text this short fits in a line. */
const LINE_CHARACTERS_MAX = 500;

/** Undefined when the schema is not an object with named properties: then only JSON serves. */
export function formFieldsOf(schema: JsonObject | undefined): FormField[] | undefined {
  const properties = schema?.["properties"];
  if (schema?.["type"] !== "object" || !isObject(properties)) return undefined;
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  return Object.entries(properties).map(([name, property]) =>
    fieldOf(name, isObject(property) ? property : {}, required),
  );
}

function fieldOf(name: string, schema: JsonObject, required: readonly JsonValue[]): FormField {
  const choices = Array.isArray(schema["enum"]) ? schema["enum"].filter((choice) => typeof choice === "string") : [];
  return {
    name,
    label: textOf(schema["title"]) ?? name,
    description: textOf(schema["description"]),
    required: required.includes(name),
    kind: kindOf(schema, choices),
    choices,
    initial: schema["default"],
  };
}

function kindOf(schema: JsonObject, choices: readonly string[]): FormField["kind"] {
  switch (textOf(schema["type"]) ?? "") {
    case "string": {
      if (choices.length > 0) return "choice";
      const longest = schema["maxLength"];
      return typeof longest === "number" && longest <= LINE_CHARACTERS_MAX ? "line" : "text";
    }
    case "number":
    case "integer":
      return "number";
    case "boolean":
      return "boolean";
    default:
      return "json";
  }
}

export function initialValues(fields: readonly FormField[]): FormValues {
  return Object.fromEntries(
    fields.map(({ name, kind, initial }): [string, string | boolean] => {
      if (kind === "boolean") return [name, initial === true];
      if (initial === undefined) return [name, ""];
      return [name, typeof initial === "string" && kind !== "json" ? initial : JSON.stringify(initial)];
    }),
  );
}

/** Empty fields are left out, so that the schema's own rules say what is missing. */
export function inputOf(fields: readonly FormField[], values: FormValues): MadeInput {
  const input: JsonObject = {};
  const faults: Record<string, string> = {};
  for (const { name, kind, required } of fields) {
    const value = values[name];
    if (typeof value === "boolean") {
      if (value || required) input[name] = value;
      continue;
    }
    if (value === undefined || value.trim() === "") {
      if (required) faults[name] = "This field is needed.";
      continue;
    }
    if (kind === "number") {
      if (Number.isFinite(Number(value))) input[name] = Number(value);
      else faults[name] = "Give a number.";
    } else if (kind === "json") {
      const parsed = parseJson(value);
      if ("fault" in parsed) faults[name] = parsed.fault;
      else input[name] = parsed.value;
    } else input[name] = value;
  }
  return { input, faults };
}

export function parseJson(text: string): { value: JsonValue } | { fault: string } {
  try {
    return { value: JSON.parse(text) as JsonValue };
  } catch (error) {
    return { fault: `Not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

export interface TextFile {
  name: string;
  text: string;
}

/** Where files can go: a list `files` of texts, the field `text` (with `name`), or nowhere. */
export function fileTargetOf(schema: JsonObject | undefined): "files" | "text" | undefined {
  const properties = schema?.["properties"];
  if (!isObject(properties)) return undefined;
  if (isObject(properties["files"]) && properties["files"]["type"] === "array") return "files";
  return isObject(properties["text"]) && properties["text"]["type"] === "string" ? "text" : undefined;
}

/** The form with the files put in: one file as text to read and correct, several as a list. */
export function withFiles(values: FormValues, files: readonly TextFile[], hasText: boolean): FormValues {
  const [first] = files;
  if (first === undefined) return values;
  if (files.length === 1 && hasText) {
    return {
      ...values,
      text: first.text,
      ...("name" in values ? { name: first.name } : {}),
      ...("files" in values ? { files: "" } : {}),
    };
  }
  return { ...values, files: JSON.stringify(files), ...(hasText ? { text: "" } : {}) };
}

/** The problem of a field, from the pointers of a 422. */
export function problemsByField(problems: readonly { pointer: string; message: string }[]): Record<string, string> {
  return Object.fromEntries(problems.map(({ pointer, message }) => [pointer.split("/")[1] ?? "", message]));
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
