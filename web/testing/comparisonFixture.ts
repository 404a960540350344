import type { CompareRunsResult, ReplayRunResult, Run } from "@logomesh/contracts";

/** One task that answered something else, one that only the first run came to, one that is equal. */
export function comparisonFixture(a: Run, b: Run): CompareRunsResult {
  const sideOf = ({ id, workflow, status }: Run) => ({ id, workflow, status });
  const answer = (text: string) => ({ value: { text } });
  const done = { seq: 3, status: "completed", durationMs: 412 } as const;
  return {
    ...{ a: sideOf(a), b: sideOf(b), different: 2, identical: false },
    tasks: [
      { place: "/do/0/gather", name: "gather", type: "set", a: done, b: done, differences: [] },
      {
        ...{ place: "/do/2/study/ask", name: "ask", type: "llm" },
        a: { ...done, output: answer("He went to the woods\u202e.") },
        b: { ...done, durationMs: 9000, output: { bytes: 3_000_000, sha256: "ab".repeat(32) } },
        differences: ["output"],
      },
      { place: "/do/5/condense", name: "condense", type: "do", a: done, differences: ["missing"] },
    ],
  };
}

export function replayFixture(): ReplayRunResult {
  return { identical: true, events: 42, tasks: 8 };
}
