/** YAML with completion and explanations of the workflow language. */
import {
  autocompletion,
  completionKeymap,
  snippetCompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
} from "@codemirror/autocomplete";
import { yaml } from "@codemirror/lang-yaml";
import type { Extension } from "@codemirror/state";
import { hoverTooltip, keymap } from "@codemirror/view";
import { visibleText } from "../../../lib/format.ts";
import type { Knowledge } from "./grammar.ts";
import { describeKey, suggest, type Proposal } from "./suggest.ts";

/** What the workbench knows is asked for each time: it may have changed. */
export function workflowLanguage(knowledge: () => Knowledge): Extension {
  return [
    yaml(),
    autocompletion({
      override: [(context) => complete(context, knowledge())],
      icons: false,
      activateOnTyping: true,
      closeOnBlur: true,
    }),
    keymap.of(completionKeymap),
    hoverTooltip((view, position) => {
      const text = view.state.doc.toString();
      const described = describeKey(text, position, knowledge());
      if (described === undefined) return null;
      return {
        pos: position,
        create: () => ({ dom: explanation(described.key, described.doc) }),
      };
    }),
  ];
}

function complete(context: CompletionContext, knowledge: Knowledge): CompletionResult | null {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  // Unasked only where something was begun: a word, a value, an entry of a list.
  if (!context.explicit && !/[\w$][\w./@-]*$|:\s$|^\s*-\s$/.test(before)) return null;
  const found = suggest(context.state.doc.toString(), context.pos, knowledge);
  return found === undefined
    ? null
    : { from: found.from, options: found.proposals.map(completionOf), validFor: /^[\w$./@-]*$/ };
}

/** In the order of the language, rather than of the alphabet; `boost` goes from 99 to -99. */
function completionOf(proposal: Proposal, index: number): Completion {
  const { label, kind, detail, doc, text } = proposal;
  const shown: Completion = {
    label: visibleText(label),
    apply: text,
    type: kind,
    boost: Math.max(-99, 99 - index),
    ...(detail === undefined ? {} : { detail: visibleText(shortened(detail)) }),
    ...(doc === undefined || doc === "" ? {} : { info: visibleText(doc) }),
  };
  return kind === "template" ? snippetCompletion(snippetText(text), shown) : shown;
}

/** `${` begins a field of a snippet, in definitions an expression. */
export function snippetText(template: string): string {
  return template.replaceAll("${", "$\\{");
}

/** Beside a name in a list there is room for a few words. */
const DETAIL_CHARACTERS_MAX = 60;

function shortened(detail: string): string {
  return detail.length > DETAIL_CHARACTERS_MAX ? `${detail.slice(0, DETAIL_CHARACTERS_MAX - 1)}…` : detail;
}

function explanation(key: string, doc: string): HTMLElement {
  const dom = document.createElement("div");
  dom.className = "cm-explanation";
  const name = document.createElement("strong");
  name.textContent = visibleText(key);
  dom.append(name, ` ${visibleText(doc)}`);
  return dom;
}
