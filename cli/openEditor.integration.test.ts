import { readFileSync, writeFileSync } from "node:fs";
import { createTempFolder } from "@logomesh/core/testing";
import { expect, test } from "vitest";
import { openEditor } from "./openEditor.ts";

test("the editor of the environment gets the file as one argument, with its own options before", async () => {
  using folder = createTempFolder();
  const file = `${folder.path}/a $(touch x) file`;
  const editor = `${folder.path}/editor`;
  writeFileSync(editor, '#!/bin/sh\nprintf "%s|" "$@" > "$2"\nexit 4\n', { mode: 0o755 });
  expect(await openEditor(file, { ...process.env, VISUAL: "", EDITOR: `${editor} --wait` })).toBe(4);
  expect(readFileSync(file, "utf8")).toBe(`--wait|${file}|`);
  expect(await openEditor(file, { EDITOR: "/nowhere/editor" })).toBe(127);
});
