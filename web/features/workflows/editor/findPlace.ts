/** Where in the document a caret stands, also while the text around it is not finished. */
import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { isMap, isPair, isScalar, isSeq, parseDocument, visit, type Document } from "yaml";
import { isMapping } from "./grammar.ts";

export interface Place {
  /** A key is written here, or a value. */
  kind: "key" | "value";
  /** Keys and positions from the document to what holds the place; for a value, its key is the last. */
  path: readonly (string | number)[];
  document: JsonObject;
  /** Where the word under the caret begins, and what of it stands before the caret. */
  from: number;
  word: string;
}

/** Stands for the word under the caret while the text is read. */
const MARK = "caretmark0";
/** Above this, typing would wait for the editor. */
const SOURCE_CHARACTERS_MAX = 200_000;

export function findPlace(text: string, caret: number): Place | undefined {
  if (text.length > SOURCE_CHARACTERS_MAX) return undefined;
  const word = /[\w.:/@-]*$/.exec(text.slice(lineStart(text, caret), caret))?.[0].replace(/^-+$/, "") ?? "";
  const from = caret - word.length;
  const rest = /^[\w.@/-]*/.exec(text.slice(caret))?.[0].length ?? 0;
  const before = text.slice(lineStart(text, from), from);
  const lineEnd = text.indexOf("\n", caret);
  const after = text.slice(caret + rest, lineEnd === -1 ? text.length : lineEnd);
  if (isRemark(before)) return undefined;
  // A word that is alone on its line begins a key.
  const isAlone = /^[\s-]*$/.test(before) && after.trim() === "";
  const marked = `${text.slice(0, from)}${MARK}${isAlone ? ":" : ""}${text.slice(caret + rest)}`;
  const parsed = parseDocument(marked, { logLevel: "silent", strict: false, uniqueKeys: false });
  const found = findMark(parsed);
  const document = valueOf(parsed);
  return found === undefined || document === undefined ? undefined : { ...found, document, from, word };
}

/** The document as a value; undefined when it is none, or holds aliases that cannot be resolved. */
export function valueOf(parsed: Document): JsonObject | undefined {
  try {
    const value = parsed.toJS() as unknown;
    return isMapping(value) ? value : undefined;
  } catch (error) {
    // What an alias of the text leads to, or how often, is for validation to say.
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

/** The values from the document down to the place, the document first. */
export function trailOf(document: JsonObject, path: readonly (string | number)[]): JsonValue[] {
  const trail: JsonValue[] = [document];
  let value: JsonValue | undefined = document;
  for (const step of path) {
    if (isMapping(value)) value = Object.hasOwn(value, step) ? value[step] : undefined;
    else value = Array.isArray(value) && typeof step === "number" ? value[step] : undefined;
    trail.push(value ?? null);
  }
  return trail;
}

function findMark(parsed: Document): { kind: Place["kind"]; path: (string | number)[] } | undefined {
  let found: { kind: Place["kind"]; path: (string | number)[] } | undefined;
  visit(parsed, {
    Scalar(key, node, ancestors) {
      if (typeof node.value !== "string" || !node.value.includes(MARK)) return undefined;
      found = { kind: key === "key" ? "key" : "value", path: pathOf([...ancestors, node], key === "key") };
      return visit.BREAK;
    },
  });
  return found;
}

function pathOf(nodes: readonly unknown[], isKey: boolean): (string | number)[] {
  const path: (string | number)[] = [];
  nodes.forEach((node, index) => {
    const inner = nodes[index + 1];
    if (isSeq(node)) path.push(node.items.indexOf(inner));
    // The pair whose key holds the mark is not yet there.
    else if (isPair(node) && !(isKey && inner === nodes.at(-1))) path.push(nameOf(node.key));
    else if (isMap(node)) return;
  });
  return path;
}

function nameOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : "";
}

function isRemark(before: string): boolean {
  return /(^|\s)#/.test(before);
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}
