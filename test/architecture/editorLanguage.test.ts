import { expect, test } from "vitest";
import { BUILTIN_CALLS, CALL_FIELDS } from "../../core/workflows/language/parseCall.ts";
import { suggest } from "../../web/features/workflows/editor/suggest.ts";

const NOTHING_KNOWN = { plugins: [], models: [], workflows: [] };

function proposedIn(text: string): string[] {
  return suggest(text, text.length, NOTHING_KNOWN)?.proposals.map(({ label }) => label) ?? [];
}

test("the editor of the page proposes calls and arguments that the reader of definitions takes", () => {
  const calls = proposedIn("do:\n  - a:\n      call: ");
  expect(calls.length).toBeGreaterThan(0);
  expect(calls.filter((call) => !BUILTIN_CALLS.some((known) => known === call))).toEqual([]);
  for (const call of BUILTIN_CALLS.filter((known) => calls.includes(known))) {
    const proposed = proposedIn(`do:\n  - a:\n      call: ${call}\n      with:\n        `);
    expect(proposed.length).toBeGreaterThan(0);
    expect([call, proposed.filter((name) => !CALL_FIELDS[call].includes(name))]).toEqual([call, []]);
  }
});
