import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { lineOfRule, problemsOf } from "./constitutionText.ts";

test("a rule is found by its name alone, not by a text that mentions it", () => {
  const text = '// @id("b")\n@id("a")\n@why("see b")\nforbid (principal, action, resource);\n  @id("b") @why("x")\n';
  expect([lineOfRule(text, "a"), lineOfRule(text, "b"), lineOfRule(text, "c")]).toEqual([2, 5, undefined]);
});

test("what is wrong is told at its place, and other failures are not taken for it", () => {
  const data = { file: "/w/constitution.cedar", line: 3, column: 7 };
  const message = "/w/constitution.cedar, line 3, column 7: the rule has no name: write @id(…) before it.";
  expect(problemsOf(new LogoMeshError("LM_POLICY_CONSTITUTION_INVALID", message, { data }))).toEqual([
    { pointer: "", message: "the rule has no name: write @id(…) before it.", line: 3, column: 7 },
  ]);
  expect(problemsOf(new LogoMeshError("LM_CONFLICT", "changed"))).toBeUndefined();
  expect(problemsOf(new Error("x"))).toBeUndefined();
});
