/** Arguments of a tool as JSON text: something to begin with, and what was typed. */
import type { JsonObject, JsonValue } from "@logomesh/contracts";

/** The required properties with a value of their type. */
export function exampleOf(schema: JsonObject | undefined): JsonObject {
  const properties = objectOf(schema?.["properties"]);
  const required = Array.isArray(schema?.["required"]) ? schema["required"] : Object.keys(properties);
  return Object.fromEntries(
    required.filter((name) => typeof name === "string").map((name) => [name, valueOf(objectOf(properties[name]))]),
  );
}

function valueOf(schema: JsonObject): JsonValue {
  if (schema["default"] !== undefined) return schema["default"];
  if (Array.isArray(schema["enum"])) return schema["enum"][0] ?? null;
  const { type } = schema;
  switch (typeof type === "string" ? type : "") {
    case "string":
      return "Some text to try this with.";
    case "number":
    case "integer":
      return typeof schema["minimum"] === "number" ? schema["minimum"] : 1;
    case "boolean":
      return false;
    case "array": {
      const item = valueOf(objectOf(schema["items"]));
      return typeof item === "number" ? [3, 1, 4, 1, 5, 9, 2, 6] : [item];
    }
    case "object":
      return exampleOf(schema);
    default:
      return null;
  }
}

export function parseArguments(text: string): { arguments: JsonObject } | { fault: string } {
  try {
    const value = JSON.parse(text) as JsonValue;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { arguments: value };
    return { fault: "Arguments are a JSON object: { … }" };
  } catch (error) {
    return { fault: `Not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
