/** What a definition may hold at each place, as a tree that the editor walks from the root to the caret. */
import type { JsonObject, JsonValue } from "@logomesh/contracts";

/** What the workbench has that a definition can name. */
export interface Knowledge {
  plugins: readonly { id: string; name: string; tools: readonly KnownTool[] }[];
  models: readonly { name: string; detail: string }[];
  workflows: readonly { namespace: string; name: string; versions: readonly string[] }[];
}

export interface KnownTool {
  name: string;
  description?: string | undefined;
  inputSchema?: JsonObject | undefined;
}

export interface Suggestion {
  value: string;
  detail?: string;
}

/** Where a value stands. */
export interface Surroundings {
  knowledge: Knowledge;
  document: JsonObject;
  /** The values from the document down to the one that holds the place. */
  trail: readonly JsonValue[];
  /** Names of the tasks of the nearest enclosing list. */
  siblings: readonly string[];
}

export interface Field {
  doc: string;
  node?: Node;
}

export interface Node {
  /** Keys that are known here. */
  fields?: (at: Surroundings) => Record<string, Field>;
  /** What stands under a key of one's own choice. */
  named?: () => Node;
  items?: () => Node;
  values?: (at: Surroundings) => readonly Suggestion[];
  /** The items are tasks: their names are what `then` can lead to. */
  isTaskList?: boolean;
  /** A task of its own name belongs here. */
  isTaskEntry?: boolean;
}

/** A mapping with these keys. */
export function mapping(fields: Record<string, Field>): Node {
  return { fields: () => fields };
}

export function oneOf(...values: (string | Suggestion)[]): Node {
  const suggestions = values.map((value) => (typeof value === "string" ? { value } : value));
  return { values: () => suggestions };
}

/** Keys and values that a JSON Schema allows. */
export function nodeOfSchema(schema: JsonValue | undefined, depth = 0): Node {
  if (!isMapping(schema) || depth > SCHEMA_DEPTH_MAX) return {};
  const { properties, items, enum: allowed } = schema;
  return {
    ...(isMapping(properties)
      ? {
          fields: () =>
            Object.fromEntries(
              Object.entries(properties).map(([name, inner]) => [
                name,
                { doc: docOfSchema(inner), node: nodeOfSchema(inner, depth + 1) },
              ]),
            ),
        }
      : {}),
    ...(isMapping(items) ? { items: () => nodeOfSchema(items, depth + 1) } : {}),
    ...(Array.isArray(allowed) ? { values: () => allowed.filter(isText).map((value) => ({ value })) } : {}),
  };
}

/** Schemas of tools come from plugins: deeper ones are not followed. */
const SCHEMA_DEPTH_MAX = 16;

function docOfSchema(schema: JsonValue): string {
  if (!isMapping(schema)) return "";
  const { type, title, description } = schema;
  return [type, title, description].filter((part) => typeof part === "string").join(". ");
}

function isText(value: JsonValue): value is string {
  return typeof value === "string";
}

export function isMapping(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
