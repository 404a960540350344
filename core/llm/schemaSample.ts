import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { isObject } from "../base/index.ts";
import { keywords, summarize } from "./extract.ts";

/** Schemas that refer to themselves end here. */
const DEPTH_MAX = 16;
/** Items of a sampled array, whatever the schema asks for. */
const ITEMS_MAX = 100;

const FORMATS: Readonly<Record<string, string>> = {
  date: "2026-01-01",
  time: "00:00:00Z",
  "date-time": "2026-01-01T00:00:00Z",
  email: "nobody@example.org",
  uri: "https://example.org/",
  uuid: "00000000-0000-4000-8000-000000000000",
};

/** A small value that fits the schema, its strings taken from `text`; common keywords only, `pattern` and the like are not solved. */
export function sampleOf(schema: JsonObject, text: string): JsonValue {
  const words = keywords(text, ITEMS_MAX);
  const sentence = summarize(text, 1)[0] ?? "nothing";
  return sample(schema, { root: schema, sentence, words, depth: 0, index: undefined });
}

interface Context {
  root: JsonObject;
  sentence: string;
  words: readonly string[];
  depth: number;
  /** Position in the array around it: items differ from each other. */
  index: number | undefined;
}

function sample(schema: JsonValue | undefined, context: Context): JsonValue {
  if (!isObject(schema) || context.depth > DEPTH_MAX) return null;
  const inner = { ...context, depth: context.depth + 1 };
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  if (typeof schema.$ref === "string") return sample(resolve(context.root, schema.$ref), inner);
  const choice = firstOf(schema.anyOf) ?? firstOf(schema.oneOf);
  if (choice !== undefined) return sample({ ...without(schema, "anyOf", "oneOf"), ...choice }, inner);
  if (Array.isArray(schema.allOf)) return sample(merge(schema, schema.allOf), inner);
  switch (typeOf(schema)) {
    case "object":
      return sampleObject(schema, inner);
    case "array":
      return Array.from({ length: Math.min(number(schema.minItems) ?? 1, ITEMS_MAX) }, (_, index) =>
        sample(schema.items ?? { type: "string" }, { ...inner, index }),
      );
    case "integer":
    case "number":
      return sampleNumber(schema);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return sampleString(schema, context);
  }
}

function sampleObject(schema: JsonObject, context: Context): JsonObject {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  const names = required.length > 0 ? required : Object.keys(properties);
  return Object.fromEntries(
    names.map((name) => [name, sample(properties[name] ?? { type: "string" }, { ...context, index: undefined })]),
  );
}

function sampleNumber(schema: JsonObject): number {
  const step = number(schema.multipleOf) ?? 1;
  const above = number(schema.exclusiveMinimum);
  const low = number(schema.minimum) ?? (above === undefined ? undefined : above + step);
  const high = number(schema.maximum) ?? number(schema.exclusiveMaximum);
  if (low !== undefined) return Math.ceil(low / step) * step;
  return high !== undefined && high <= 0 ? Math.floor((high - 1) / step) * step : 0;
}

function sampleString(schema: JsonObject, { sentence, words, index }: Context): string {
  const format = typeof schema.format === "string" ? FORMATS[schema.format] : undefined;
  if (format !== undefined) return format;
  const text = index === undefined ? sentence : (words[index] ?? `item ${index + 1}`);
  const long = text.padEnd(number(schema.minLength) ?? 0, ".");
  // Lengths count code points.
  return Array.from(long)
    .slice(0, number(schema.maxLength) ?? undefined)
    .join("");
}

function typeOf(schema: JsonObject): string {
  const named = asArray(schema.type).filter((type) => typeof type === "string");
  if (Array.isArray(schema.type)) return named.find((type) => type !== "null") ?? "null";
  if (typeof schema.type === "string") return schema.type;
  if (schema.properties !== undefined) return "object";
  return schema.items === undefined ? "string" : "array";
}

function resolve(root: JsonObject, reference: string): JsonValue | undefined {
  if (!reference.startsWith("#")) return undefined;
  const parts = reference.slice(1).split("/").slice(1);
  return parts.reduce<JsonValue | undefined>((at, part) => {
    const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    return isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, root);
}

function merge(schema: JsonObject, parts: readonly JsonValue[]): JsonObject {
  let merged = without(schema, "allOf");
  for (const part of parts.filter(isObject)) {
    const properties = { ...asObject(merged.properties), ...asObject(part.properties) };
    const required = [...asArray(merged.required), ...asArray(part.required)];
    merged = { ...merged, ...part, ...(Object.keys(properties).length > 0 ? { properties } : {}), required };
  }
  return merged;
}

function firstOf(value: JsonValue | undefined): JsonObject | undefined {
  return asArray(value).find(isObject);
}

function without(schema: JsonObject, ...names: string[]): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !names.includes(name)));
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function asArray(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function number(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
