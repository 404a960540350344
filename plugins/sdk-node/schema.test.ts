import { describe, expect, expectTypeOf, test } from "vitest";
import { s } from "./schema.ts";
import { checkKeywords, validate } from "./validate.ts";
import type { JsonValue } from "./jsonValue.ts";

const person = s.object({
  name: s.string({ minLength: 1, maxLength: 5 }),
  age: s.integer({ minimum: 0 }).optional(),
  role: s.oneOf("reader", "writer").default("reader").describe("What the person may do"),
  tags: s.array(s.string(), { maxItems: 2 }).default([]),
});

describe("s", () => {
  test("says the same in types and in JSON Schema", () => {
    expectTypeOf<(typeof person)["type"]>().toEqualTypeOf<{
      name: string;
      role: "reader" | "writer";
      tags: string[];
      age?: number;
    }>();
    expect(person.json).toEqual({
      type: "object",
      properties: {
        name: { type: "string", minLength: 1, maxLength: 5 },
        age: { type: "integer", minimum: 0 },
        role: {
          type: "string",
          enum: ["reader", "writer"],
          default: "reader",
          description: "What the person may do",
        },
        tags: { type: "array", items: { type: "string" }, maxItems: 2, default: [] },
      },
      required: ["name"],
      additionalProperties: false,
    });
  });

  test("refuses a schema with keywords that nobody would enforce", () => {
    expect(() => s.from({ type: "object", properties: { a: { type: "string", oneOf: [] } } })).toThrow(
      'schema.a: the keyword "oneOf" is not supported',
    );
    expect(() => checkKeywords({ type: "array", items: { contains: {} } })).toThrow(/schema\.items/);
    expect(s.from<{ a: 1 }>({ type: "object", properties: { a: { const: 1 } } }).presence).toBe("required");
  });
});

describe("validate", () => {
  test("fills in defaults, each time with a fresh copy", () => {
    const first: JsonValue = { name: "Ada" };
    const second: JsonValue = { name: "Bob", role: "writer" };
    expect(validate(person.json, first)).toEqual([]);
    expect(validate(person.json, second)).toEqual([]);
    expect(first).toEqual({ name: "Ada", role: "reader", tags: [] });
    expect(second).toEqual({ name: "Bob", role: "writer", tags: [] });
    expect(first.tags).not.toBe(second.tags);
  });

  test.each<[JsonValue, string[]]>([
    [[], ["the value must be of type object, not an array"]],
    [null, ["the value must be of type object, not null"]],
    [{}, ["/name is missing"]],
    [{ name: 3 }, ["/name must be of type string, not a number"]],
    [{ name: "" }, ["/name has 0 characters, at least 1 are needed"]],
    [{ name: "Ada", age: -1 }, ["/age is -1, it must be at least 0"]],
    [{ name: "Ada", age: 1.5 }, ["/age must be of type integer, not a number"]],
    [{ name: "Ada", role: "king" }, ['/role must be one of "reader", "writer"']],
    [{ name: "Ada", tags: ["a", "b", "c"] }, ["/tags has 3 items, at most 2 are allowed"]],
    [{ name: "Ada", tags: ["a", {}] }, ["/tags/1 must be of type string, not an object"]],
    [{ name: "Ada", "a/b~": 1 }, ["/a~1b~0 is not known; known are name, age, role, tags"]],
  ])("explains %j", (value, problems) => {
    expect(validate(person.json, value)).toEqual(problems);
  });

  test("counts characters as code points", () => {
    expect(validate(person.json, { name: "🦊🦊🦊🦊🦊" })).toEqual([]);
    expect(validate(person.json, { name: "🦊🦊🦊🦊🦊🦊" })).toEqual(["/name has 6 characters, at most 5 are allowed"]);
  });

  test("treats keys of Object.prototype as data", () => {
    const hostile = JSON.parse('{"name":"Ada","__proto__":{"age":1},"constructor":1}') as JsonValue;
    expect(validate(person.json, hostile)).toEqual([
      "/__proto__ is not known; known are name, age, role, tags",
      "/constructor is not known; known are name, age, role, tags",
    ]);
    expect(validate(s.object({ toString: s.string() }).json, {})).toEqual(["/toString is missing"]);
  });

  test("stops after ten problems", () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, 1]));
    expect(validate(s.record(s.string()).json, many)).toHaveLength(10);
    expect(validate(s.array(s.string()).json, new Array<number>(50).fill(1))).toHaveLength(10);
    expect(validate(s.object({}).json, many)).toHaveLength(10);
  });

  test.each<[Record<string, JsonValue>, JsonValue, boolean]>([
    [s.nullable(s.string()).json, null, true],
    [s.nullable(s.string()).json, 1, false],
    [s.boolean().json, false, true],
    [s.number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }).json, 0, false],
    [s.number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }).json, 1, false],
    [s.number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }).json, 0.5, true],
    [s.number({ maximum: 1 }).json, 2, false],
    [s.string({ pattern: "^a+$" }).json, "aab", false],
    [s.array(s.json(), { minItems: 1 }).json, [], false],
    [s.json().json, { any: ["thing"] }, true],
    [{ const: { a: 1 } }, { a: 1 }, true],
    [{ const: 1 }, 2, false],
    [{ type: ["string", "null"] }, 3, false],
    [{ type: ["string", "null"] }, null, true],
    [{ enum: [[1]] }, [1], true],
  ])("checks %j against %j", (schema, value, valid) => {
    expect(validate(schema, value).length === 0).toBe(valid);
  });
});
