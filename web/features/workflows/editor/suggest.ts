/** What the editor proposes at a caret, and what it says about a key. Pure: text and knowledge in, suggestions out. */
import { stringify } from "yaml";
import { EXPRESSION_WORDS, VARIABLES } from "./expressionWords.ts";
import { findPlace, trailOf, type Place } from "./findPlace.ts";
import { isMapping, type Field, type Knowledge, type Node, type Surroundings } from "./grammar.ts";
import { DOCUMENT, TASK_TYPES } from "./language.ts";
import { TASK_TEMPLATES } from "./taskTemplates.ts";

export interface Proposal {
  label: string;
  kind: "key" | "value" | "template" | "function" | "variable";
  /** A few words beside it. */
  detail?: string;
  /** A sentence about it. */
  doc?: string;
  /** What is written; with `#{name}` where the caret stops next. */
  text: string;
}

export interface Proposals {
  from: number;
  proposals: Proposal[];
}

export function suggest(text: string, caret: number, knowledge: Knowledge): Proposals | undefined {
  const inExpression = expressionAt(text, caret);
  if (inExpression !== undefined) return { from: caret - inExpression.length, proposals: wordsFor(inExpression) };
  const place = findPlace(text, caret);
  if (place === undefined) return undefined;
  const { node, at } = walk(place, knowledge);
  const proposals = place.kind === "key" ? keysOf(node, at) : valuesOf(node, at);
  return proposals.length === 0 ? undefined : { from: place.from, proposals };
}

/** What the key under the caret means. */
export function describeKey(
  text: string,
  caret: number,
  knowledge: Knowledge,
): { key: string; doc: string } | undefined {
  const place = findPlace(text, wordEnd(text, caret));
  if (place?.kind !== "key" || place.word === "") return undefined;
  const { node, at } = walk(place, knowledge);
  const key = place.word.replace(/:$/, "");
  const field = own(node.fields?.(at), key) ?? (node.fields === undefined ? undefined : own(TASK_TYPES, key));
  return field === undefined || field.doc === "" ? undefined : { key, doc: field.doc };
}

function walk(place: Place, knowledge: Knowledge): { node: Node; at: Surroundings } {
  const { document, path } = place;
  const trail = trailOf(document, path);
  let node: Node = DOCUMENT;
  let siblings: readonly string[] = [];
  const surroundings = (depth: number): Surroundings => ({
    ...{ knowledge, document, siblings },
    trail: trail.slice(0, depth + 1),
  });
  path.forEach((step, index) => {
    if (node.isTaskList === true) siblings = namesOf(trail[index]);
    const at = surroundings(index);
    if (typeof step === "number") node = node.items?.() ?? {};
    else node = own(node.fields?.(at), step)?.node ?? (own(node.fields?.(at), step) ? {} : (node.named?.() ?? {}));
  });
  return { node, at: surroundings(path.length) };
}

function keysOf(node: Node, at: Surroundings): Proposal[] {
  if (node.isTaskEntry === true) return TASK_TEMPLATES;
  const holder = at.trail.at(-1);
  const present = isMapping(holder) ? Object.keys(holder) : [];
  return Object.entries(node.fields?.(at) ?? {})
    .filter(([key]) => !present.includes(key))
    .map(([key, { doc, node: inner }]): Proposal => {
      // What has values or is a text stays on the line; what holds more begins a line of its own.
      const isHolder = inner?.values === undefined && (inner?.fields ?? inner?.items ?? inner?.named) !== undefined;
      return { label: key, kind: "key", doc, text: `${written(key)}:${isHolder ? "" : " "}` };
    });
}

function valuesOf(node: Node, at: Surroundings): Proposal[] {
  if (node.isTaskEntry === true) return TASK_TEMPLATES;
  return (node.values?.(at) ?? []).map(({ value, detail }) => ({
    label: value,
    kind: "value",
    text: written(value),
    ...(detail === undefined ? {} : { detail }),
  }));
}

/** The word before the caret when it stands inside of `${ … }`. */
function expressionAt(text: string, caret: number): string | undefined {
  const line = text.slice(text.lastIndexOf("\n", caret - 1) + 1, caret);
  const start = line.lastIndexOf("${");
  if (start === -1 || isClosed(line.slice(start + 2))) return undefined;
  const inside = line.slice(start + 2);
  if ((inside.split('"').length - 1) % 2 === 1) return undefined;
  const word = /\$?[\w]*$/.exec(inside)?.[0] ?? "";
  // `.name` is a member of the data, which nobody knows here.
  return word === "" || inside.at(-word.length - 1) === "." ? undefined : word;
}

/** Braces of objects inside of the expression are its own. */
function isClosed(inside: string): boolean {
  let open = 1;
  for (const character of inside) {
    if (character === "{") open += 1;
    if (character === "}") open -= 1;
    if (open === 0) return true;
  }
  return false;
}

function wordsFor(word: string): Proposal[] {
  const [words, kind] = word.startsWith("$")
    ? ([VARIABLES, "variable"] as const)
    : ([EXPRESSION_WORDS, "function"] as const);
  return Object.entries(words).map(([label, doc]) => ({ label, kind, doc, text: label }));
}

function namesOf(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => (isMapping(entry) ? Object.keys(entry).slice(0, 1) : []));
}

function own(fields: Record<string, Field> | undefined, key: string): Field | undefined {
  return fields !== undefined && Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function wordEnd(text: string, offset: number): number {
  return offset + (/^[\w.]*/.exec(text.slice(offset))?.[0].length ?? 0);
}

/** As YAML has it: quoted where it would be read as something else, always on one line. */
function written(text: string): string {
  const plain = stringify(text, { lineWidth: 0 }).trimEnd();
  return plain.includes("\n") ? JSON.stringify(text) : plain;
}
