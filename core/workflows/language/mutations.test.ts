import { expect, test } from "vitest";
import { createSeededRandom } from "../../testing/index.ts";
import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { collectGrants, parseWorkflow } from "./index.ts";

const RUNS = Number(process.env.LOGOMESH_FUZZ_RUNS ?? 700);
const SEED = Number(process.env.LOGOMESH_FUZZ_SEED ?? 20_260_801);

const SOURCE = `document: { dsl: '1.0.3', namespace: test, name: all, version: '1.0.0', title: All }
use:
  functions: { get: { call: http, with: { method: get, endpoint: 'https://a.example/{id}' } } }
  errors: { teapot: { type: 'https://x.example/teapot', status: 418 } }
  retries: { thrice: { delay: PT1S, backoff: { exponential: {} }, limit: { attempt: { count: 3 } } } }
  timeouts: { short: { after: { seconds: 5 } } }
input: { schema: { format: json, document: &schema { type: object } }, from: .in }
output: { as: '\${ { result: . } }' }
timeout: short
do:
  - prepare: { set: { x: '\${ [.a, "b \\\\(.c)"] | map(. + "!") }', y: 1 }, if: '.ok // true', export: { as: '$context + .' } }
  - fetch: { call: get, with: { query: { q: '\${ .q }' } }, output: { schema: { document: *schema } } }
  - ask: { call: 'llm:1.0.0@default', with: { model: fast, prompt: '\${ .x | tojson }' }, metadata: { logomesh: { effect: idempotent } } }
  - tool: { call: plugin, with: { plugin: p, tool: t, arguments: { a: [1, 2.5, null, true] } }, timeout: { after: PT1M } }
  - choose:
      switch:
        - red: { when: '.color == "red"', then: loop }
        - other: { then: continue }
  - both: { fork: { compete: true, branches: [ { l: { wait: PT1S } }, { r: { wait: { milliseconds: 5 } } } ] } }
  - loop: { for: { each: item, at: i, in: .items }, while: '$i < 3', do: [ { inner: { do: [ { deep: { set: .x } } ] } } ] }
  - guard:
      try:
        - fail: { raise: { error: teapot } }
      catch:
        errors: { with: { status: 418 } }
        as: err
        when: '$err.status > 400'
        retry: thrice
        do:
          - child: { run: { workflow: { namespace: test, name: other, input: { e: '\${ $err }' } }, await: false } }
        then: exit
`;

const PIECES = [
  "${",
  "}",
  "&a ",
  "*a",
  "*schema",
  "<<: ",
  "!!binary ",
  "? ",
  "- ",
  "\t",
  "\n",
  "\r",
  "\u0000",
  "\ud800",
  "\u2028",
  "'",
  '"',
  "|\n",
  ">-\n",
  "%",
  "@",
  "---\n",
  "...\n",
  "[",
  "{",
  ": ",
  "#",
  "null",
  ".nan",
  "1e999",
  "-0",
  "0x1f",
  "2026-01-01",
  "__proto__: ",
  "constructor",
  "PT1S",
  "end",
  "now",
  "${ now }",
  "http://[",
  "🙂",
];
const VALUES: JsonValue[] = [
  null,
  true,
  0,
  -1,
  1e300,
  "",
  "x",
  "${ .a }",
  "${ ( }",
  "PT1S",
  "end",
  [],
  {},
  [[]],
  [{}],
  { a: { set: {} } },
  [{ a: { set: {} } }],
  { "": "" },
  { __proto__x: 1 },
  { with: { status: 1 } },
];

const random = createSeededRandom(SEED);
const below = (limit: number): number => Math.floor(random.float() * limit);
const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;

/** Cuts, copies, moves and pieces anywhere in the text. */
function mutateText(text: string): string {
  const at = below(text.length);
  const end = Math.min(text.length, at + below(random.float() < 0.1 ? 400 : 12));
  switch (below(5)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + text.slice(at, end).repeat(1 + below(4)) + text.slice(end);
    case 2:
      return text.slice(0, at) + pick(PIECES) + text.slice(at);
    case 3: {
      const lines = text.split("\n");
      const [line = ""] = lines.splice(below(lines.length), 1);
      lines.splice(below(lines.length), 0, random.float() < 0.5 ? line.trimStart() : `  ${line}`);
      return lines.join("\n");
    }
    default:
      return text.slice(0, at) + String.fromCharCode(below(0x250)) + text.slice(at + 1);
  }
}

/** Replaces, removes, renames or adds something anywhere in the document. */
function mutateDocument(root: JsonObject): JsonObject {
  let node: JsonObject | JsonValue[] = root;
  for (;;) {
    const keys: string[] = Object.keys(node);
    const key: string = pick(keys);
    const child: JsonValue | undefined = (node as JsonObject)[key];
    if (typeof child === "object" && child !== null && Object.keys(child).length > 0 && random.float() < 0.8) {
      node = child;
      continue;
    }
    const map = node as JsonObject;
    const change = below(4);
    if (change === 0) map[key] = structuredClone(pick(VALUES));
    else if (change === 1 && keys.length > 1) Reflect.deleteProperty(map, key);
    else if (change === 2)
      map[pick(["a", "then", "do", "set", "call", "with", "__proto__", "if"])] = structuredClone(pick(VALUES));
    else if (child !== undefined) map[`${key}x`] = child;
    return root;
  }
}

function check(text: string): boolean {
  const { definition, problems, warnings, unchecked } = parseWorkflow(text);
  const lines = text.split(/\r\n|\n|\r/).length;
  for (const { line, column, message, pointer } of [
    ...problems,
    ...warnings,
    ...unchecked.map(({ problem }) => problem),
  ]) {
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(pointer).toMatch(/^(\/|$)/);
    expect(message.length).toBeLessThanOrEqual(501);
  }
  expect(definition === undefined).toBe(problems.length > 0);
  if (definition === undefined) return false;
  expect(parseWorkflow(JSON.stringify(definition.document)).definition?.hash).toBe(definition.hash);
  for (const { action, resource } of collectGrants(definition))
    expect(`${action} ${resource}`).not.toContain("undefined");
  return true;
}

test(`[WL11] ${RUNS} broken texts are read or refused with places, and never throw (seed ${SEED})`, () => {
  expect(check(SOURCE)).toBe(true);
  let accepted = 0;
  for (let run = 0; run < RUNS; run++) {
    let text = SOURCE;
    for (let count = 1 + below(3); count > 0; count--) text = mutateText(text);
    try {
      if (check(text)) accepted += 1;
    } catch (error) {
      throw new Error(`run ${run} of seed ${SEED}: ${JSON.stringify(text)}`, { cause: error });
    }
  }
  // Both outcomes are tried.
  expect(accepted).toBeGreaterThan(RUNS / 20);
  expect(accepted).toBeLessThan(RUNS * 0.95);
}, 120_000);

test(`[WL11] ${RUNS} changed documents are read or refused with places, and never throw (seed ${SEED})`, () => {
  const { definition } = parseWorkflow(SOURCE);
  let accepted = 0;
  for (let run = 0; run < RUNS; run++) {
    let document = structuredClone(definition?.document ?? {});
    for (let count = 1 + below(3); count > 0; count--) document = mutateDocument(document);
    const text = JSON.stringify(document, null, below(2) * 2);
    try {
      if (check(text)) accepted += 1;
    } catch (error) {
      throw new Error(`run ${run} of seed ${SEED}: ${text}`, { cause: error });
    }
  }
  expect(accepted).toBeGreaterThan(RUNS / 50);
  expect(accepted).toBeLessThan(RUNS * 0.95);
}, 120_000);
