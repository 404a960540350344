/** What a person says of steps that may have acted on the outside, or not. */
import type { JsonValue, RunTaskSummary, StepDecision } from "@logomesh/contracts";

export interface Choice {
  decision: "" | StepDecision["decision"];
  /** JSON text of what the step answered. */
  output: string;
  comment: string;
}

export const NO_CHOICE: Choice = { decision: "", output: "", comment: "" };

/** The newest attempt of each step whose outcome nobody knows. */
export function unknownSteps(tasks: readonly RunTaskSummary[]): RunTaskSummary[] {
  return tasks.filter(({ status }) => status === "unknown");
}

/** Undefined while something is not decided, or an output is no JSON. */
export function decisionsOf(
  steps: readonly RunTaskSummary[],
  choices: ReadonlyMap<number, Choice>,
): StepDecision[] | undefined {
  const decisions: StepDecision[] = [];
  for (const { seq } of steps) {
    const decision = decisionOf(seq, choices.get(seq) ?? NO_CHOICE);
    if (decision === undefined) return undefined;
    decisions.push(decision);
  }
  return decisions;
}

export function isJson(text: string): boolean {
  return parsed(text) !== undefined;
}

function decisionOf(seq: number, { decision, output, comment }: Choice): StepDecision | undefined {
  switch (decision) {
    case "":
      return undefined;
    case "retry":
      return { seq, decision };
    case "fail":
      return { seq, decision, ...(comment.trim() === "" ? {} : { comment: comment.trim() }) };
    case "complete": {
      const value = parsed(output);
      return value === undefined ? undefined : { seq, decision, output: value };
    }
  }
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // Not yet JSON: the form says so.
    return undefined;
  }
}
