import type { InputProblem } from "@logomesh/contracts";
import { LogoMeshError } from "@logomesh/contracts";

/** The line on which the rule with this name begins, counted from 1; undefined when the text has none. */
export function lineOfRule(text: string, rule: string): number | undefined {
  const index = text.split("\n").findIndex((line) => /^\s*@id\("([^"]*)"\)/.exec(line)?.[1] === rule);
  return index < 0 ? undefined : index + 1;
}

/** What is wrong with a text, at its place; undefined when the failure is about something else. */
export function problemsOf(error: unknown): readonly InputProblem[] | undefined {
  if (!(error instanceof LogoMeshError) || error.code !== "LM_POLICY_CONSTITUTION_INVALID") return undefined;
  const { line, column } = error.data ?? {};
  // The place is in the list and in the margin; the file is the page.
  const message = error.message.replace(/^.*?, line \d+, column \d+: /, "");
  return [
    {
      ...{ pointer: "", message },
      ...(typeof line === "number" ? { line } : {}),
      ...(typeof column === "number" ? { column } : {}),
    },
  ];
}
