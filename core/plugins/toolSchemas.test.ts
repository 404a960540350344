import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { ToolSchemas } from "./toolSchemas.ts";

const TREE = {
  type: "object",
  properties: { words: { type: "integer", minimum: 0 }, tags: { type: "array", items: { enum: ["a", "b"] } } },
  required: ["words"],
  additionalProperties: false,
};

function errorOf(schema: JsonObject, value: JsonValue): LogoMeshError {
  try {
    new ToolSchemas().validate(schema, value);
  } catch (error) {
    if (error instanceof LogoMeshError) return error;
    throw error;
  }
  throw new Error("accepted");
}

test("[PL14] a value is held against its schema and each fault has its place", () => {
  const schemas = new ToolSchemas();
  expect(schemas.validate(TREE, { words: 3, tags: ["a"] })).toEqual([]);
  expect(schemas.validate(TREE, { words: 3, tags: ["a", "c"] })).toEqual([
    { pointer: "/tags/1", message: "must be equal to one of the allowed values" },
  ]);
  expect(schemas.validate(TREE, { words: 3, more: 1 })).toHaveLength(1);
});

test("[PL15] equal schemas are compiled once, a changed one anew", () => {
  const schemas = new ToolSchemas();
  expect(schemas.validate(structuredClone(TREE), { words: 1 })).toEqual([]);
  expect(schemas.validate(structuredClone(TREE), { words: 1 })).toEqual([]);
  expect(schemas.validate({ ...TREE, required: [] }, {})).toEqual([]);
  for (let index = 0; index < 2_001; index += 1) schemas.validate({ const: index }, index);
  expect(schemas.validate(TREE, { words: "x" })).toMatchObject([{ pointer: "/words" }]);
});

test("[PL15] patterns are enforced, and one that would take forever ends after half a second", () => {
  const schemas = new ToolSchemas();
  const slug = { type: "object", properties: { slug: { type: "string", pattern: "^[a-z-]+$" } } };
  expect(schemas.validate(slug, { slug: "one-two" })).toEqual([]);
  expect(schemas.validate(slug, { slug: "One" })).toMatchObject([{ pointer: "/slug" }]);
  expect(errorOf({ type: "string", pattern: "^(a+)+$" }, `${"a".repeat(60)}!`).message).toContain("timed out");
});

test("[PL15] references that explode and comparisons of everything with everything end after half a second", () => {
  const node = {
    anyOf: [
      { type: "array", items: { $ref: "#" } },
      { type: "array", items: { $ref: "#" } },
    ],
  };
  let nested: JsonValue = 1;
  for (let depth = 0; depth < 60; depth += 1) nested = [nested];
  expect(errorOf(node, nested).message).toContain("timed out");
  const objects = Array.from({ length: 200_000 }, (_, index) => ({ index }));
  expect(errorOf({ type: "array", uniqueItems: true }, objects).message).toContain("timed out");
});

test("[PL15] nothing is fetched: a reference to elsewhere cannot be used", () => {
  expect(errorOf({ $ref: "https://example.org/schema.json" }, 1).message).toMatch(/can't resolve reference/);
  expect(errorOf({ type: 5 }, 1).code).toBe("LM_PLUGIN_PROTOCOL");
});

test("[PL14] a validator that answers a promise is refused: it would say yes to everything", () => {
  expect(errorOf({ $async: true, type: "string" }, 1).message).toContain("$async");
});

test("[PL14] a field named like a keyword is a field", () => {
  const schemas = new ToolSchemas();
  const schema = { type: "object", properties: { pattern: { type: "string" }, $ref: { type: "integer" } } };
  expect(schemas.validate(schema, { pattern: 1 })).toMatchObject([{ pointer: "/pattern" }]);
  const hostile: JsonObject = JSON.parse('{"__proto__": {"pattern": 3}, "$ref": 1}');
  expect(schemas.validate(schema, hostile)).toEqual([]);
});
