// Writes the files that are derived from the contracts; with --check it only compares and fails when one is stale.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ERROR_CATALOGUE, PluginManifestSchema, type ErrorDefinition } from "../contracts/index.ts";
import { languageTables } from "../core/workflows/language/index.ts";
import { workflowReference } from "./workflowReference.ts";
import { manifestPage, type ManifestSchema } from "./manifestPage.ts";

const ROOT = join(import.meta.dirname, "..");

const GENERATED: Record<string, () => string> = {
  "docs/errors.md": errorsPage,
  "contracts/plugins/pluginManifest.schema.json": manifestSchema,
  "docs/workflow-reference.md": () => workflowReference(languageTables()),
  "docs/plugin-manifest.md": () => manifestPage(JSON.parse(manifestSchema()) as ManifestSchema),
};

/** For editors, and for whoever writes a manifest by program. The workbench checks by the zod schema that this is made from. */
function manifestSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(PluginManifestSchema, { io: "input" });
  const head = { $schema, title: "plugin.json of LogoMesh, version 1" };
  return `${JSON.stringify({ ...head, ...schema }, null, 2)}\n`;
}

function errorsPage(): string {
  const rows = Object.entries<ErrorDefinition>(ERROR_CATALOGUE).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = rows.map(
    ([code, { title, status, retryable, help }]) =>
      `| \`${code}\` | ${title} | ${status} | ${retryable ? "yes" : "no"} | ${help} |`,
  );
  return [
    "# Errors",
    "",
    "Every error has a stable `code`. The same object appears as `application/problem+json` (RFC 9457), WebSocket message, CLI output and in a",
    "stored run. Generated from `contracts/errors/` by `node script/generate.ts`.",
    "",
    "| code | title | HTTP status | worth retrying | what to do |",
    "| --- | --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

function main(): void {
  const check = process.argv.includes("--check");
  let stale = 0;
  for (const [file, make] of Object.entries(GENERATED)) {
    const path = join(ROOT, file);
    const text = make();
    if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
    stale += 1;
    if (check) console.error(`${file} is stale: run node script/generate.ts`);
    else writeFileSync(path, text);
  }
  console.log(`${Object.keys(GENERATED).length} generated files, ${stale} ${check ? "stale" : "written"}`);
  process.exit(check && stale > 0 ? 1 : 0);
}

main();
