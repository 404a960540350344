import type { JsonSchema } from "./schema.ts";
import type { JsonValue } from "./jsonValue.ts";

/** Enough for a person or a model to correct their input; the rest shows on the next attempt. */
const PROBLEMS_MAX = 10;

const ANNOTATIONS = [
  "$schema",
  "$id",
  "$comment",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "format",
];
const CHECKED = [
  ...[
    "type",
    "enum",
    "const",
    "anyOf",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
  ],
  ...["minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
];

/** @throws TypeError for a keyword that `validate` would not enforce */
export function checkKeywords(schema: JsonSchema, place = "schema"): void {
  for (const keyword of Object.keys(schema)) {
    if (!CHECKED.includes(keyword) && !ANNOTATIONS.includes(keyword)) {
      throw new TypeError(`${place}: the keyword "${keyword}" is not supported; use ${CHECKED.join(", ")}`);
    }
  }
  for (const [key, child] of childrenOf(schema)) checkKeywords(child, `${place}.${key}`);
}

function childrenOf(schema: JsonSchema): [string, JsonSchema][] {
  const children: [string, JsonValue | undefined][] = [
    ...Object.entries(isObject(schema.properties) ? schema.properties : {}),
    ["items", schema.items],
    ["additionalProperties", schema.additionalProperties],
    ...(Array.isArray(schema.anyOf) ? schema.anyOf.map((item): [string, JsonValue] => ["anyOf", item]) : []),
  ];
  return children.filter((entry): entry is [string, JsonSchema] => isObject(entry[1]));
}

/**
 * Checks a value that came out of `JSON.parse` and fills in the defaults of absent properties, in place.
 * Returns what is wrong, each with a JSON pointer; empty means valid.
 */
export function validate(schema: JsonSchema, value: JsonValue, pointer = ""): string[] {
  const problems: string[] = [];
  const type = schema.type;
  if (type !== undefined && !(Array.isArray(type) ? type : [type]).some((name) => hasType(value, name))) {
    return [`${place(pointer)} must be ${describeType(type)}, not ${nameOf(value)}`];
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((allowed) => isSame(allowed, value))) {
    problems.push(`${place(pointer)} must be one of ${schema.enum.map((item) => JSON.stringify(item)).join(", ")}`);
  }
  if (schema.const !== undefined && !isSame(schema.const, value)) {
    problems.push(`${place(pointer)} must be ${JSON.stringify(schema.const)}`);
  }
  if (Array.isArray(schema.anyOf)) {
    const branches = schema.anyOf.filter(isObject).map((branch) => validate(branch, value, pointer));
    if (!branches.some((found) => found.length === 0)) problems.push(...(branches[0] ?? []));
  }
  if (typeof value === "string") problems.push(...stringProblems(schema, value, pointer));
  else if (typeof value === "number") problems.push(...numberProblems(schema, value, pointer));
  else if (Array.isArray(value)) problems.push(...arrayProblems(schema, value, pointer));
  else if (isObject(value)) problems.push(...objectProblems(schema, value, pointer));
  return problems.slice(0, PROBLEMS_MAX);
}

function stringProblems(schema: JsonSchema, value: string, pointer: string): string[] {
  const { minLength, maxLength, pattern } = schema;
  const problems: string[] = [];
  if (typeof minLength === "number" || typeof maxLength === "number") {
    const length = codePoints(value);
    if (typeof minLength === "number" && length < minLength) {
      problems.push(`${place(pointer)} has ${length} characters, at least ${minLength} are needed`);
    }
    if (typeof maxLength === "number" && length > maxLength) {
      problems.push(`${place(pointer)} has ${length} characters, at most ${maxLength} are allowed`);
    }
  }
  if (typeof pattern === "string" && !new RegExp(pattern, "u").test(value)) {
    problems.push(`${place(pointer)} must match ${pattern}`);
  }
  return problems;
}

function numberProblems(schema: JsonSchema, value: number, pointer: string): string[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const problems: string[] = [];
  const must = (words: string) => problems.push(`${place(pointer)} is ${value}, it must be ${words}`);
  if (typeof minimum === "number" && value < minimum) must(`at least ${minimum}`);
  if (typeof maximum === "number" && value > maximum) must(`at most ${maximum}`);
  if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum) must(`greater than ${exclusiveMinimum}`);
  if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum) must(`less than ${exclusiveMaximum}`);
  return problems;
}

function arrayProblems(schema: JsonSchema, value: JsonValue[], pointer: string): string[] {
  const { minItems, maxItems, items } = schema;
  if (typeof minItems === "number" && value.length < minItems) {
    return [`${place(pointer)} has ${value.length} items, at least ${minItems} are needed`];
  }
  if (typeof maxItems === "number" && value.length > maxItems) {
    return [`${place(pointer)} has ${value.length} items, at most ${maxItems} are allowed`];
  }
  const problems: string[] = [];
  if (!isObject(items)) return problems;
  for (const [index, item] of value.entries()) {
    problems.push(...validate(items, item, `${pointer}/${index}`));
    if (problems.length >= PROBLEMS_MAX) break;
  }
  return problems;
}

function objectProblems(schema: JsonSchema, value: Record<string, JsonValue>, pointer: string): string[] {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const problems: string[] = [];
  for (const key of required) {
    if (typeof key === "string" && !Object.hasOwn(value, key))
      problems.push(`${place(`${pointer}/${key}`)} is missing`);
  }
  for (const [key, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, key) || !isObject(property) || property.default === undefined) continue;
    value[key] = structuredClone(property.default);
  }
  for (const [key, item] of Object.entries(value)) {
    const childPointer = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const property = Object.hasOwn(properties, key) ? properties[key] : schema.additionalProperties;
    if (property === false) {
      const known = Object.keys(properties).join(", ");
      problems.push(`${place(childPointer)} is not known${known === "" ? "" : `; known are ${known}`}`);
    } else if (isObject(property)) {
      problems.push(...validate(property, item, childPointer));
    }
    if (problems.length >= PROBLEMS_MAX) break;
  }
  return problems;
}

export function isObject(value: JsonValue | undefined): value is Record<string, JsonValue> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasType(value: JsonValue, name: JsonValue): boolean {
  if (name === "integer") return Number.isInteger(value);
  if (name === "null") return value === null;
  if (name === "array") return Array.isArray(value);
  if (name === "object") return isObject(value);
  return typeof value === name;
}

function nameOf(value: JsonValue): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function describeType(type: JsonValue): string {
  return Array.isArray(type)
    ? type.map((name) => JSON.stringify(name)).join(" or ")
    : `of type ${typeof type === "string" ? type : JSON.stringify(type)}`;
}

function place(pointer: string): string {
  return pointer === "" ? "the value" : pointer;
}

/** JSON Schema counts code points, not UTF-16 units. */
function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function isSame(a: JsonValue, b: JsonValue): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
