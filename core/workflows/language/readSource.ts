import { WORKFLOW_SOURCE_BYTES_MAX, type JsonObject, type JsonValue } from "@logomesh/contracts";
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  parseDocument,
  type Alias,
  type Document,
  type ErrorCode,
  type YAMLMap,
} from "yaml";
import { isObject } from "../expressions/index.ts";
import { Problems, type Path } from "./problems.ts";

/** Real documents use a handful; each is looked up by walking the document. */
const ALIASES_MAX = 1_000;
/** An alias of aliases multiplies the document: uses of an anchor times the aliases in it. */
const ALIAS_PRODUCT_MAX = 1_000;
/** With its aliases written out; above that the document is a bomb, not a workflow. */
const EXPANDED_CHARS_MAX = 4 * WORKFLOW_SOURCE_BYTES_MAX;
/** Words and marks of the text: about 30 for each of 10,000 tasks; parsing takes some microseconds for each. */
const TOKENS_MAX = 400_000;
/** Of mappings and lists in each other: tasks nest in 64 levels of at most five each. */
const DEPTH_MAX = 400;

/** The mapping that a YAML 1.2 or JSON text says, as plain JSON with its aliases written out; undefined when there are problems. */
export function readSource(text: string): { value: JsonObject | undefined; problems: Problems } {
  const tooMuch = measure(text);
  const lines = new LineCounter();
  const document = parseDocument(tooMuch === undefined ? text : "", {
    version: "1.2",
    lineCounter: lines,
    // Checked below: the library's own check takes quadratic time.
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: "error",
  });
  const problems = new Problems(document, lines);
  if (tooMuch !== undefined) problems.add([], tooMuch);
  for (const error of [...document.errors, ...document.warnings]) {
    problems.addAt(error.pos[0], WORDING[error.code] ?? error.message);
  }
  if (problems.problems.length === 0) new NodeCheck(document, problems).check(document.contents, []);
  if (problems.problems.length > 0) return { value: undefined, problems };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIAS_PRODUCT_MAX });
  } catch (error) {
    // What the library says of aliases that multiply each other.
    problems.add([], (error as Error).message);
    return { value: undefined, problems };
  }
  const fault = faultOf(value, [], { left: EXPANDED_CHARS_MAX });
  if (fault !== undefined) problems.add(fault.path, fault.message);
  else if (!isObject(value as JsonValue)) problems.add([], "a workflow is a mapping with `document` and `do`");
  return { value: problems.problems.length === 0 ? (value as JsonObject) : undefined, problems };
}

const TOO_DEEP = `mappings and lists are nested deeper than ${DEPTH_MAX} levels, or an alias stands for what encloses it`;

/** For what the library says in terms of its own. */
const WORDING: Partial<Record<ErrorCode, string>> = {
  RESOURCE_EXHAUSTION: TOO_DEEP,
  MULTIPLE_DOCS: "the text holds several documents; a workflow is one",
};

/** Finds what would take the parser too long or too deep, before it starts. @returns what to say about it */
function measure(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > WORKFLOW_SOURCE_BYTES_MAX)
    return `the definition has ${bytes} bytes, at most ${WORKFLOW_SOURCE_BYTES_MAX} are read`;
  let tokens = 0;
  let open = 0;
  for (const token of new Lexer().lex(text)) {
    if (++tokens > TOKENS_MAX) return `the definition has more than ${TOKENS_MAX} words and marks`;
    if (token === "[" || token === "{") open += 1;
    else if (token === "]" || token === "}") open -= 1;
    if (open > DEPTH_MAX) return TOO_DEEP;
  }
  return undefined;
}

/** Keys are texts (or numbers and the like, taken as texts) and each stands once in its mapping; aliases stand for something. */
class NodeCheck {
  readonly #document: Document.Parsed;
  readonly #problems: Problems;
  #aliases = 0;

  constructor(document: Document.Parsed, problems: Problems) {
    this.#document = document;
    this.#problems = problems;
  }

  check(node: unknown, path: Path): void {
    if (isSeq(node)) node.items.forEach((item, index) => this.check(item, [...path, index]));
    else if (isMap(node)) this.#checkMapping(node, path);
    else if (isAlias(node)) this.#checkAlias(node, path);
  }

  #checkAlias(alias: Alias, path: Path): void {
    this.#aliases += 1;
    if (this.#aliases === ALIASES_MAX + 1)
      this.#problems.addAt(offsetOf(alias), `the document has more than ${ALIASES_MAX} aliases`, path);
    if (this.#aliases <= ALIASES_MAX && alias.resolve(this.#document) === undefined)
      this.#problems.addAt(offsetOf(alias), `no anchor “&${alias.source}” stands before this alias`, path);
  }

  #checkMapping(map: YAMLMap, path: Path): void {
    const names = new Set<string>();
    for (const { key, value } of map.items) {
      if (!isScalar(key)) {
        this.#problems.addAt(offsetOf(key), "a key is a text, not a list, a mapping or an alias", path);
        continue;
      }
      const name = String(key.value);
      const at = [...path, name];
      if (names.has(name)) this.#problems.addAt(offsetOf(key), `the key “${name}” stands twice in this mapping`, at);
      names.add(name);
      this.check(value, at);
    }
  }
}

function offsetOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

/** The first thing that is not plain JSON of a bounded size. */
function faultOf(value: unknown, path: Path, size: { left: number }): { path: Path; message: string } | undefined {
  size.left -= typeof value === "string" ? value.length + 2 : 2;
  if (size.left < 0)
    return { path: [], message: `with its aliases written out the document exceeds ${EXPANDED_CHARS_MAX} characters` };
  if (path.length > DEPTH_MAX) return { path: path.slice(0, 8), message: TOO_DEEP };
  if (value === null || typeof value === "boolean") return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return undefined;
  if (typeof value === "string" && value.isWellFormed()) return undefined;
  if (Array.isArray(value) || isPlainObject(value)) {
    const entries: Iterable<[string | number, unknown]> = Array.isArray(value)
      ? value.entries()
      : Object.entries(value);
    for (const [key, item] of entries) {
      const fault = faultOf(key, path, size) ?? faultOf(item, [...path, key], size);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  return { path, message: "this is no JSON value: texts, finite numbers, true, false, null, lists and mappings are" };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
