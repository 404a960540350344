import { snippet } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { expect, test } from "vitest";
import { readSource } from "./taskPlaces.ts";
import { TASK_TEMPLATES } from "./taskTemplates.ts";
import { snippetText } from "./workflowLanguage.ts";

test.each(TASK_TEMPLATES.map(({ label, text }) => ({ label, text })))(
  "the template $label is a task where a list begins, with its expressions as they stand",
  ({ label, text }) => {
    const view = new EditorView({ state: EditorState.create({ doc: "do:\n  - " }) });
    snippet(snippetText(text))(view, { label }, 8, 8);
    const read = readSource(view.state.doc.toString());
    view.destroy();
    expect(read?.tasks[0]?.reference).toBe(`/do/0/${label}`);
    const written = JSON.stringify(read?.definition);
    expect(written).not.toMatch(/#\{|\\\\/);
    expect(written.includes("${")).toBe(text.includes("${"));
  },
);
