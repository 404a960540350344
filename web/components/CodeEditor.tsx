/** Source with line numbers and problems inline. Loaded with its page: the editor is large. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, defaultHighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorState, type Extension, type Text } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import type { InputProblem } from "@logomesh/contracts";
import { useEffect, useEffectEvent, useRef } from "react";

export interface EditorPlace {
  line: number;
  /** From 1; without it the line's start. */
  column?: number;
}

interface CodeEditorProps {
  /** Colours and indents; the same object each time. */
  language: Extension;
  value: string;
  onChange: (value: string) => void;
  label: string;
  problems: readonly InputProblem[];
  warnings: readonly InputProblem[];
  /** The caret goes there when it changes. */
  goTo?: EditorPlace | undefined;
  /** Where the caret is, in characters from the start. */
  onCaret?: (offset: number) => void;
}

/** What stands before the place that is gone to is seen too. */
const INDENTATION_PX = 120;

/** The default style has colours for a light page only; these follow the scheme. */
const COLORS: Record<string, string> = {
  "#708": "var(--lm-active)",
  "#219": "var(--lm-waiting)",
  "#164": "var(--lm-waiting)",
  "#a11": "var(--lm-good)",
  "#e40": "var(--lm-uncertain)",
  "#00f": "var(--lm-active)",
  "#30a": "var(--lm-active)",
  "#085": "var(--lm-good)",
  "#167": "var(--lm-active)",
  "#256": "var(--lm-active)",
  "#00c": "var(--lm-active)",
  "#940": "var(--lm-neutral)",
  "#f00": "var(--lm-bad)",
  "#404740": "var(--lm-neutral)",
};

const HIGHLIGHT = HighlightStyle.define(
  defaultHighlightStyle.specs.map((spec) => {
    const color = typeof spec["color"] === "string" ? COLORS[spec["color"]] : undefined;
    return color === undefined ? spec : { ...spec, color };
  }),
);

const THEME = EditorView.theme({
  "&": { height: "100%", fontSize: "12.5px", backgroundColor: "var(--mantine-color-body)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.55" },
  ".cm-gutters": {
    backgroundColor: "var(--lm-surface)",
    color: "var(--mantine-color-dimmed)",
    borderRight: "1px solid var(--lm-line)",
  },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--lm-surface-hover) 55%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--mantine-color-text)" },
  ".cm-content": { caretColor: "var(--mantine-color-text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--lm-selected) !important" },
  ".cm-tooltip": { backgroundColor: "var(--lm-surface)", border: "1px solid var(--lm-line)", borderRadius: "4px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "inherit", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--lm-selected)",
    color: "var(--mantine-color-text)",
  },
  ".cm-completionLabel": { fontFamily: "var(--mantine-font-family-monospace)" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-completionDetail": { fontStyle: "normal", color: "var(--mantine-color-dimmed)", marginLeft: "12px" },
  ".cm-completionInfo, .cm-explanation": { padding: "4px 8px", maxWidth: "320px", lineHeight: "1.45" },
  ".cm-snippetField": { backgroundColor: "var(--lm-selected)" },
});

export function CodeEditor(props: CodeEditorProps) {
  const { language, value, onChange, label, problems, warnings, goTo, onCaret } = props;
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView | undefined>(undefined);
  const initial = useRef(value);
  const changed = useEffectEvent((text: string) => onChange(text));
  const moved = useEffectEvent((offset: number) => onCaret?.(offset));

  useEffect(() => {
    if (host.current === null) return;
    const view = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: initial.current,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          indentOnInput(),
          highlightActiveLine(),
          lintGutter(),
          language,
          syntaxHighlighting(HIGHLIGHT),
          THEME,
          EditorState.tabSize.of(2),
          // Esc then Tab leaves the editor.
          keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString());
            if (update.docChanged || update.selectionSet) moved(update.state.selection.main.head);
          }),
        ],
      }),
    });
    editor.current = view;
    return () => view.destroy();
  }, [label, language]);

  useEffect(() => {
    const view = editor.current;
    if (view === undefined || view.state.doc.toString() === value) return;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    const view = editor.current;
    if (view === undefined) return;
    const { doc } = view.state;
    const diagnostics = [
      ...problems.map((problem) => diagnosticOf(doc, problem, "error")),
      ...warnings.map((problem) => diagnosticOf(doc, problem, "warning")),
    ];
    view.dispatch(setDiagnostics(view.state, diagnostics));
  }, [problems, warnings]);

  useEffect(() => {
    const view = editor.current;
    if (view === undefined || goTo === undefined) return;
    const line = view.state.doc.line(Math.min(goTo.line, view.state.doc.lines));
    const anchor = Math.min(line.from + (goTo.column ?? 1) - 1, line.to);
    view.dispatch({
      selection: { anchor },
      effects: EditorView.scrollIntoView(anchor, { y: "center", xMargin: INDENTATION_PX }),
    });
    view.focus();
  }, [goTo]);

  return <div ref={host} style={{ flex: 1, minHeight: 0, overflow: "hidden" }} />;
}

/** From where the problem is to the end of its line. */
function diagnosticOf(doc: Text, problem: InputProblem, severity: "error" | "warning"): Diagnostic {
  const line = doc.line(Math.min(Math.max(1, problem.line ?? 1), doc.lines));
  const from = Math.min(line.from + Math.max(0, (problem.column ?? 1) - 1), line.to);
  return { from, to: Math.max(from, line.to), severity, message: problem.message };
}
