import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { createTempFolder } from "../testing/index.ts";
import { readManifest } from "./manifest.ts";

const MANIFEST = {
  id: "org.example.echo",
  name: "Echo",
  version: "1.0.0",
  description: "Says it back.",
  runtime: "nodejs",
  entry_point: "index.mjs",
  security_level: "sandbox",
};

function errorOf(text: string | undefined): LogoMeshError {
  using folder = createTempFolder();
  if (text !== undefined) writeFileSync(join(folder.path, "plugin.json"), text);
  try {
    readManifest(folder.path);
  } catch (error) {
    if (error instanceof LogoMeshError) return error;
    throw error;
  }
  throw new Error("accepted");
}

test("[PL1] a manifest is read with its defaults", () => {
  using folder = createTempFolder();
  writeFileSync(join(folder.path, "plugin.json"), JSON.stringify({ ...MANIFEST, tools: { echo: { effect: "pure" } } }));
  expect(readManifest(folder.path)).toMatchObject({
    id: "org.example.echo",
    resource_limits: { memory_mb: 256, call_timeout_ms: 30_000 },
    tools: { echo: { effect: "pure" } },
    permissions: {},
  });
});

test("[PL141] a host by way of the proxy is asked for with every method, and every method only so", () => {
  const entry = { host: "a.org", why: "w" };
  const read = (asked: object) => {
    using folder = createTempFolder();
    writeFileSync(
      join(folder.path, "plugin.json"),
      JSON.stringify({ ...MANIFEST, permissions: { "net.fetch": [{ ...entry, ...asked }] } }),
    );
    return readManifest(folder.path).permissions["net.fetch"];
  };
  expect(read({ methods: ["*"], via: "proxy" })).toEqual([{ ...entry, methods: ["*"], via: "proxy" }]);
  expect(read({ methods: ["GET"] })).toEqual([{ ...entry, methods: ["GET"] }]);
  for (const asked of [{ methods: ["GET"], via: "proxy" }, { methods: ["*"] }, { methods: ["*", "GET"], via: "proxy" }])
    expect(() => read(asked)).toThrow(/use \["\*"\] together with "via": "proxy"/);
  expect(() => read({ methods: ["GET"], via: "socks" })).toThrow(/via/);
});

test("[PL1] text that is not JSON is refused with file, line and column", () => {
  const error = errorOf('{\n  "id": "org.example.echo",\n  "name" 3\n}');
  expect(error.code).toBe("LM_PLUGIN_MANIFEST_INVALID");
  expect(error.message).toMatch(/plugin\.json line 3, column 10: is not JSON/);
  expect(error.problems?.[0]).toMatchObject({ line: 3, column: 10 });
});

test("[PL1] text that ends too early is placed at its end", () => {
  expect(errorOf('{"id":\n').problems?.[0]).toMatchObject({ line: 2, column: 1 });
});

test("[PL1] every field that does not fit is named with its place, its value and what to write instead", () => {
  const { license: _license, ...rest } = { ...MANIFEST, license: "MIT" };
  const wrong = { ...rest, id: "echo", runtime: "rust", resource_limits: { memory_mb: 1 }, "a/b": 1 };
  const { description: _description, ...whole } = wrong;
  const error = errorOf(JSON.stringify(whole, null, 2));
  expect(error.problems).toEqual([
    {
      ...{ pointer: "/id", line: 2, column: 9 },
      message: '"echo" is not valid: use a reverse-DNS name, for example org.example.word-count',
    },
    { pointer: "/description", message: "is missing; it must be string", line: 1, column: 1 },
    {
      ...{ pointer: "/runtime", line: 5, column: 14 },
      message: '"rust" is not valid: expected one of "nodejs"|"python"|"shell"',
    },
    {
      ...{ pointer: "/resource_limits/memory_mb", line: 9, column: 18 },
      message: "1 is not valid: too small: expected number to be >=16",
    },
    {
      ...{ pointer: "/a~1b", line: 11, column: 10 },
      message: "is no field of a manifest; remove it or correct its name",
    },
  ]);
  expect(error.message).toContain('line 2, column 9, /id: "echo" is not valid: use a reverse-DNS name');
  expect(error.message).toContain("(and 4 more)");
});

test.each<[string, object, string, RegExp]>([
  ["a range", { dependencies: { "org.example.a": "one" } }, "/dependencies/org.example.a", /"one" is no version range/],
  [
    "itself",
    { dependencies: { "org.example.echo": "*" } },
    "/dependencies/org.example.echo",
    /names the plugin itself/,
  ],
  ["an engine", { engines: { logomesh: "new" } }, "/engines/logomesh", /"new" is no version range; use one such/],
  ["an activation", { activation: ["onEvent:a.b"] }, "/activation/0", /needs the permission event.subscribe/],
  ["no activation", { activation: ["sometimes"] }, "/activation/0", /"sometimes" is not valid: use onTool, onStart/],
  ["settings", { config: { type: "array" } }, "/config", /must be a JSON Schema with "type": "object"/],
  ["a schema", { config: { type: "object", properties: 3 } }, "/config", /cannot be used/],
  [
    ...(["a default", { config: { type: "object", properties: { a: { type: "string", default: 3 } } } }] as const),
    ...(["/config", /own defaults: \/a must be string/] as const),
  ],
  ["an address", { homepage: "javascript:alert(1)" }, "/homepage", /use an address that begins with https/],
  ["an icon", { icon: "../../etc/passwd" }, "/icon", /use a relative path inside the plugin folder/],
])("[PL1] %s that makes no sense is named with what to write instead", (_what, more, pointer, message) => {
  const error = errorOf(JSON.stringify({ ...MANIFEST, ...more }));
  expect(error.problems).toMatchObject([{ pointer, message: expect.stringMatching(message) }]);
});

test("[PL1] what makes sense together is read", () => {
  using folder = createTempFolder();
  const config = { type: "object", properties: { city: { type: "string", default: "Bern" } }, required: ["key"] };
  const more = {
    ...{ dependencies: { "org.example.a": "^1.0.0 || >=3" }, engines: { logomesh: ">=0.1.0" }, config },
    ...{ activation: ["onStart", "onEvent:a.*"] },
    permissions: { "event.subscribe": [{ type: "a.*", why: "Listens." }] },
  };
  writeFileSync(join(folder.path, "plugin.json"), JSON.stringify({ ...MANIFEST, ...more }));
  expect(readManifest(folder.path)).toMatchObject(more);
});

test("[PL1] a manifest that is nested beyond reason is refused like any other", () => {
  const deep = `{"config": ${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`;
  expect(errorOf(deep).code).toBe("LM_PLUGIN_MANIFEST_INVALID");
});

test("[PL1] a missing, unreadable or giant manifest is refused by name", () => {
  expect(errorOf(undefined).message).toMatch(/plugin\.json: is missing/);
  expect(errorOf(" ".repeat(300_000)).message).toMatch(/300000 bytes, at most 262144/);
  using folder = createTempFolder();
  mkdirSync(join(folder.path, "plugin.json"));
  expect(() => readManifest(folder.path)).toThrow(/plugin\.json: is no ordinary file/);
});
