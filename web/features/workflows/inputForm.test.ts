import type { JsonObject } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { fileTargetOf, formFieldsOf, initialValues, inputOf, problemsByField, withFiles } from "./inputForm.ts";

const SCHEMA: JsonObject = {
  type: "object",
  required: ["text", "count"],
  properties: {
    text: { type: "string", title: "Text", description: "What to read" },
    name: { type: "string", maxLength: 100 },
    count: { type: "integer", default: 3 },
    deep: { type: "boolean" },
    style: { enum: ["short", "long"], type: "string" },
    files: { type: "array", items: { type: "object" } },
  },
};

test("each property becomes a field of its kind", () => {
  const fields = formFieldsOf(SCHEMA) ?? [];
  expect(fields.map(({ name, kind, required, label }) => [name, kind, required, label])).toEqual([
    ["text", "text", true, "Text"],
    ["name", "line", false, "name"],
    ["count", "number", true, "count"],
    ["deep", "boolean", false, "deep"],
    ["style", "choice", false, "style"],
    ["files", "json", false, "files"],
  ]);
  expect(initialValues(fields)).toEqual({ text: "", name: "", count: "3", deep: false, style: "", files: "" });
});

test("a schema that is no object with properties has no form", () => {
  expect([undefined, {}, { type: "array" }, { type: "object" }].map((schema) => formFieldsOf(schema))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("values become input of the right types, empty ones are left out", () => {
  const fields = formFieldsOf(SCHEMA) ?? [];
  const values = { text: "Hello", name: "  ", count: "7", deep: true, style: "long", files: '[{ "text": "a" }]' };
  expect(inputOf(fields, values)).toEqual({
    input: { text: "Hello", count: 7, deep: true, style: "long", files: [{ text: "a" }] },
    faults: {},
  });
});

test("what cannot be read is said at its field", () => {
  const { faults } = inputOf(formFieldsOf(SCHEMA) ?? [], { text: " ", count: "many", files: "[" });
  expect(faults).toEqual({
    text: "This field is needed.",
    count: "Give a number.",
    files: expect.stringContaining("Not JSON") as string,
  });
});

test("one file fills the text, several become a list", () => {
  const values = initialValues(formFieldsOf(SCHEMA) ?? []);
  const one = { name: "a.md", text: "A" };
  expect(withFiles(values, [one], true)).toMatchObject({ text: "A", name: "a.md", files: "" });
  expect(withFiles(values, [one, one], true)).toMatchObject({ text: "", files: JSON.stringify([one, one]) });
  expect(withFiles(values, [one], false)).toMatchObject({ files: JSON.stringify([one]) });
  expect(withFiles(values, [], true)).toBe(values);
});

test("files go where the schema has a place for them", () => {
  expect(fileTargetOf(SCHEMA)).toBe("files");
  expect(fileTargetOf({ properties: { text: { type: "string" } } })).toBe("text");
  expect(fileTargetOf({ properties: { n: { type: "number" } } })).toBeUndefined();
  expect(fileTargetOf(undefined)).toBeUndefined();
});

test("problems of the server belong to the field that their pointer starts with", () => {
  expect(
    problemsByField([
      { pointer: "/files/0/text", message: "too short" },
      { pointer: "", message: "none fits" },
    ]),
  ).toEqual({
    files: "too short",
    "": "none fits",
  });
});
