import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveWorkspace, type ServedWorkspace } from "./testing/servedWorkspace.ts";

// docs/workflows.md as its reader follows it: files are written, commands typed in their order, and what is said to be shown is shown.

const PAGE = readFileSync(join(import.meta.dirname, "../docs/workflows.md"), "utf8");
let workspace: ServedWorkspace;

beforeAll(async () => {
  workspace = await serveWorkspace();
  writeFileSync(join(workspace.root, "docs/untidy.md"), "Spaces at the end.   \n");
});
afterAll(() => workspace[Symbol.asyncDispose]());

/** Sections that have commands, in order. */
const sections = PAGE.split(/^## /m)
  .filter((section) => section.includes("```sh"))
  .map((section) => [section.split("\n", 1)[0] ?? "", section] as const);

async function newest(list: string): Promise<string> {
  const { out } = await workspace.type(`logomesh ${list} --json`);
  return (JSON.parse(out) as { items: { id: string }[] }).items[0]?.id ?? "none";
}

test("the page has all its sections", () => {
  expect(sections.length).toBeGreaterThanOrEqual(7);
});

test.each(sections)("“%s” works as it is written", async (_title, section) => {
  let shown = "";
  for (const [, language = "", text = ""] of section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
    const file = /^# (\S+\.yaml)\n/.exec(text)?.[1];
    if (language === "yaml" && file !== undefined) writeFileSync(join(workspace.root, file), text);
    for (const line of language === "sh" ? text.trim().split("\n") : []) {
      const typed = line
        .replace("<run>", line.includes("<run>") ? await newest("runs list") : "")
        .replace("<approval>", line.includes("<approval>") ? await newest("approval list --status pending") : "");
      const { code, out, err } = await workspace.type(typed);
      expect([typed, code, code === 0 ? "" : out + err]).toEqual([typed, 0, ""]);
      shown += out + err;
    }
    for (const line of language === "text" ? text.trim().split("\n") : []) expect(shown).toContain(line);
  }
});
