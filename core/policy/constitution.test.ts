import { readFileSync } from "node:fs";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { parseConstitution } from "./constitution.ts";

const SHIPPED = readFileSync(new URL("../../templates/workspace/constitution.cedar", import.meta.url), "utf8");
const RULE = '@id("a")\nforbid (principal, action == Action::"plugin.call", resource);\n';

function refusalOf(text: string): { message: string; data: unknown } {
  try {
    parseConstitution(text, "constitution.cedar");
  } catch (error) {
    expect(error).toMatchObject({ code: "LM_POLICY_CONSTITUTION_INVALID" });
    return { message: (error as LogoMeshError).message, data: (error as LogoMeshError).data };
  }
  throw new Error("was accepted");
}

test("[PO16] the shipped constitution is valid and every rule says why", () => {
  const rules = parseConstitution(SHIPPED, "constitution.cedar");
  expect([...rules.keys()]).toEqual([
    "no-credential-files",
    "private-stays-with-local-models",
    "private-stays-off-the-network",
    "no-local-network-for-plugins",
    "no-runaway-chains",
  ]);
  expect([...rules.values()].filter((rule) => !rule.includes("@why("))).toEqual([]);
});

test("[PO13] an empty constitution has no rules", () => {
  expect(parseConstitution("// nothing\n", "constitution.cedar").size).toBe(0);
});

test.each([
  ["a permit", `${RULE}@id("b")\npermit (principal, action, resource);`, 3, /only `forbid` rules/],
  ["a template", '@id("t")\nforbid (principal == ?principal, action, resource);', 1, /template/],
  ["a rule without a name", "\n\nforbid (principal, action, resource);", 3, /no name/],
  ["a rule with an empty name", '@id("") forbid (principal, action, resource);', 1, /no name/],
  ["a repeated name", RULE + RULE, 3, /taken by an earlier rule/],
  ["a reserved name", '@id("builtin:x")\nforbid (principal, action, resource);', 1, /reserved/],
])("[PO13] %s is refused", (_name, text, line, message) => {
  const refusal = refusalOf(text);
  expect(refusal.message).toMatch(message);
  expect(refusal.data).toMatchObject({ file: "constitution.cedar", line });
});

test.each([
  ["a syntax error", "// é\nforbid (principal, action, resource)\nwhen { principal. };", 3, /unexpected token/],
  [
    "an unknown attribute",
    '@id("x")\nforbid (principal, action == Action::"llm.generate", resource)\nwhen { resource.size == 1 };',
    3,
    /attribute `size`/,
  ],
  ["an unknown action", '@id("x")\nforbid (principal, action == Action::"fly", resource);', 2, /unrecognized action/],
  [
    "a wrong type",
    '@id("x")\nforbid (principal, action, resource)\nwhen { context.callDepth > "4" };',
    3,
    /unexpected type|expected/,
  ],
  [
    "a rule that can never apply",
    '@id("x")\nforbid (principal is Model, action, resource);',
    1,
    /impossible|applicable/,
  ],
  [
    "an attribute that not every resource has",
    '@id("x")\nforbid (principal, action, resource)\nwhen { resource.local };',
    3,
    /attribute/,
  ],
])("[PO14] %s is refused at its place", (_name, text, line, message) => {
  const refusal = refusalOf(text);
  expect(refusal.message).toMatch(message);
  expect(refusal.data).toMatchObject({ line, column: expect.any(Number) });
});

test("[PO14] a text that is too long is refused before it is parsed", () => {
  expect(refusalOf("//".repeat(200_000)).message).toContain("at most 262144");
});

test("[PO13] more than ten rules keep the order of the text", () => {
  const text = Array.from({ length: 12 }, (_, index) => RULE.replace('"a"', `"r${index}"`)).join("");
  expect([...parseConstitution(text, "c").keys()]).toEqual(Array.from({ length: 12 }, (_, index) => `r${index}`));
});
