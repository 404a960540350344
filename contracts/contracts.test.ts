import { expect, test } from "vitest";
import { z } from "zod";
import {
  GenerateParamsSchema,
  PluginManifestSchema,
  ROUTES,
  StartRunParamsSchema,
  isTerminalRunStatus,
  pageOf,
  RunStatusSchema,
  type Route,
} from "./index.ts";

const MANIFEST = {
  id: "org.example.word-count",
  name: "Word count",
  version: "1.0.0",
  description: "Counts words.",
  runtime: "nodejs",
  entry_point: "index.ts",
  security_level: "sandbox",
};

test("a manifest with the required fields gets the documented defaults", () => {
  expect(PluginManifestSchema.parse(MANIFEST)).toEqual({
    ...MANIFEST,
    resource_limits: {
      memory_mb: 256,
      cpu_percent: 100,
      max_processes: 32,
      max_open_files: 256,
      tmp_mb: 64,
      start_timeout_ms: 10_000,
      call_timeout_ms: 30_000,
      max_message_bytes: 1_048_576,
    },
    permissions: {},
    tools: {},
    dependencies: {},
    args: [],
    activation: ["onTool"],
  });
});

test.each<[string, object]>([
  ["an id that is not a reverse-DNS name", { id: "Word Count" }],
  ["an entry point that leaves the folder", { entry_point: "../../etc/passwd" }],
  ["an absolute entry point", { entry_point: "/usr/bin/env" }],
  ["a backslash in the entry point", { entry_point: "..\\x.ts" }],
  ["a version that is not semantic", { version: "1" }],
  ["an unknown runtime", { runtime: "ruby" }],
  ["memory above the ceiling", { resource_limits: { memory_mb: 1_000_000 } }],
  ["a misspelt field", { permission: {} }],
  ["a permission without a reason", { permissions: { "fs.read": [{ path: "docs" }] } }],
  ["an unknown permission", { permissions: { "fs.write": [] } }],
])("a manifest with %s is refused", (_what, change) => {
  expect(PluginManifestSchema.safeParse({ ...MANIFEST, ...change }).success).toBe(false);
});

test("a run starts from a stored workflow or from a source, never from both", () => {
  const parse = (value: unknown): boolean => StartRunParamsSchema.safeParse(value).success;
  expect(parse({ workflow: { name: "digest" } })).toBe(true);
  expect(parse({ source: "do: []" })).toBe(true);
  expect(parse({})).toBe(false);
  expect(parse({ workflow: { name: "digest" }, source: "do: []" })).toBe(false);
});

test("a model gets a prompt or messages, never both", () => {
  const parse = (value: unknown): boolean => GenerateParamsSchema.safeParse(value).success;
  expect(parse({ prompt: "Hello" })).toBe(true);
  expect(parse({ messages: [{ role: "user", content: "Hello" }] })).toBe(true);
  expect(parse({ prompt: "Hello", messages: [{ role: "user", content: "Hello" }] })).toBe(false);
  expect(parse({})).toBe(false);
});

test("only cancelled, faulted and completed runs have ended", () => {
  expect(RunStatusSchema.options.filter(isTerminalRunStatus)).toEqual(["cancelled", "faulted", "completed"]);
});

test("no two routes answer the same request and every parameter of a path has a schema", () => {
  const routes: Route[] = Object.values(ROUTES);
  const keys = routes.map((route) => `${route.method} ${route.path.replaceAll(/:\w+/g, ":x")}`);
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  for (const route of routes) {
    const named = [...route.path.matchAll(/:(\w+)/g)].map((match) => match[1]);
    expect(Object.keys(route.params?.shape ?? {}).sort(), route.path).toEqual(named.toSorted());
    if (route.method === "GET") expect(route.body, route.path).toBeUndefined();
  }
});

test("only the exchange of a login code needs no token", () => {
  const open = Object.entries<Route>(ROUTES).filter(([, route]) => route.scope === "none");
  expect(open.map(([name]) => name)).toEqual(["createSession"]);
});

test("a page carries items and a cursor that is null at the end", () => {
  const page = pageOf(z.string());
  expect(page.parse({ items: ["a"], nextCursor: null })).toEqual({ items: ["a"], nextCursor: null });
  expect(page.safeParse({ items: ["a"] }).success).toBe(false);
});
