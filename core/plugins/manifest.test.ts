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

test("[PL1] text that is not JSON is refused with file, line and column", () => {
  const error = errorOf('{\n  "id": "org.example.echo",\n  "name" 3\n}');
  expect(error.code).toBe("LM_PLUGIN_MANIFEST_INVALID");
  expect(error.message).toMatch(/plugin\.json line 3, column 10: is not JSON/);
  expect(error.problems?.[0]).toMatchObject({ line: 3, column: 10 });
});

test("[PL1] text that ends too early is placed at its end", () => {
  expect(errorOf('{"id":\n').problems?.[0]).toMatchObject({ line: 2, column: 1 });
});

test("[PL1] every field that does not fit is named by its pointer", () => {
  const error = errorOf(JSON.stringify({ ...MANIFEST, id: "echo", resource_limits: { memory_mb: 1 }, "a/b": 1 }));
  expect(error.problems?.map(({ pointer }) => pointer)).toEqual(["/id", "/resource_limits/memory_mb", ""]);
  expect(error.message).toContain("/id: use a reverse-DNS name");
  expect(error.message).toContain("(and 2 more)");
});

test("[PL1] a missing, unreadable or giant manifest is refused by name", () => {
  expect(errorOf(undefined).message).toMatch(/plugin\.json: is missing/);
  expect(errorOf(" ".repeat(300_000)).message).toMatch(/300000 bytes, at most 262144/);
  using folder = createTempFolder();
  mkdirSync(join(folder.path, "plugin.json"));
  expect(() => readManifest(folder.path)).toThrow(/cannot be read \(EISDIR\)/);
});
