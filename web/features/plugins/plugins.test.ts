import { expect, test } from "vitest";
import { partOf, permissionRows } from "./permissionRows.ts";
import { exampleOf, parseArguments } from "./toolArguments.ts";

test("every permission is a row with what and why", () => {
  const why = "because";
  expect(
    permissionRows({
      "fs.read": [{ path: "notes", why }],
      "fs.data": { max_mb: 10, why },
      "net.fetch": [
        { host: "a.org", methods: ["GET", "POST"], why },
        { host: "b.org", methods: ["*"], via: "proxy", why },
      ],
      "llm.generate": { models: ["fast"], max_tokens_per_day: 1, why },
      "plugin.call": [{ target: "a.b", why }],
      "event.publish": [{ type: "x", why }],
      store: { max_bytes: 2048, why },
      "thought.write": { why },
      env: [{ name: "LANG", why }],
    }).map(({ permission, what }) => `${permission}: ${what}`),
  ).toEqual([
    "fs.read: notes",
    "fs.data: its own folder, up to 10 MiB",
    "net.fetch: GET, POST a.org",
    "net.fetch: connections of its own to b.org, through the workbench, which sees host and port but not what is sent",
    "llm.generate: fast, up to 1 token a day",
    "plugin.call: a.b",
    "event.publish: x",
    "store: up to 2.0 KiB",
    "thought.write: ",
    "env: LANG",
  ]);
  expect(permissionRows({})).toEqual([]);
});

test("a tool is tried with values of the types that it requires", () => {
  const properties = {
    text: { type: "string" },
    values: { type: "array", items: { type: "number" } },
    mode: { enum: ["a", "b"] },
    limit: { type: "integer", minimum: 4 },
    deep: { type: "object", properties: { on: { type: "boolean" } } },
    names: { type: "array", items: { type: "string" } },
    any: {},
    optional: { type: "string" },
  };
  const required = ["text", "values", "mode", "limit", "deep", "names", "any"];
  expect(exampleOf({ type: "object", properties, required })).toEqual({
    text: "Some text to try this with.",
    values: [3, 1, 4, 1, 5, 9, 2, 6],
    mode: "a",
    limit: 4,
    deep: { on: false },
    names: ["Some text to try this with."],
    any: null,
  });
  expect(exampleOf(undefined)).toEqual({});
});

test("arguments are a JSON object or a fault", () => {
  expect(parseArguments('{"a":1}')).toEqual({ arguments: { a: 1 } });
  expect(parseArguments("[1]")).toEqual({ fault: "Arguments are a JSON object: { … }" });
  expect(parseArguments("{")).toMatchObject({ fault: expect.stringContaining("Not JSON") as string });
});

test("a part of a request is what remains of its rows", () => {
  const why = "w";
  const asked = {
    "fs.read": [
      { path: "docs", why },
      { path: "src", why },
    ],
    "net.fetch": [{ host: "a.org", methods: ["GET"], why }],
    "thought.read": { why },
    store: { max_bytes: 10, why },
  };
  expect(partOf(asked, ({ what, permission }) => what === "src" || permission === "store")).toEqual({
    "fs.read": [{ path: "src", why }],
    store: { max_bytes: 10, why },
  });
  expect(partOf(asked, () => true)).toEqual(asked);
  expect(partOf(asked, () => false)).toEqual({});
});
