/** A run of the sample workflow as the workbench would tell it: which task does what, in order. */
import type { JsonObject, JsonValue, RunTask, TaskStatus } from "@logomesh/contracts";
import { ago } from "./fixtures.ts";

interface Step {
  reference: string;
  type: string;
  call?: string;
  parent?: string;
  details?: JsonObject;
  output?: JsonValue;
}

const SUMMARY = "The author went to the woods to live deliberately and to learn what life had to teach.";
const MODEL = {
  model: "mock",
  provider: "mock",
  simulated: true,
  inputTokens: 412,
  outputTokens: 38,
  responseSeq: 3,
  requestSeq: 2,
};

/** Steps that start together, and end together before the next ones start. */
export const STAGES: Step[][] = [
  [{ reference: "/do/0/gather", type: "set", output: { documents: [{ name: "walden.md", text: "…" }] } }],
  [{ reference: "/do/1/join", type: "set", output: { title: "walden.md" } }],
  [
    { reference: "/do/2/study", type: "fork" },
    {
      reference: "/do/2/study/fork/branches/0/words",
      type: "call",
      call: "plugin",
      details: { plugin: "org.logomesh.text-tools", tool: "word_count", durationMs: 0.6 },
      output: { words: 414, sentences: 14 },
    },
    {
      reference: "/do/2/study/fork/branches/1/keywords",
      type: "call",
      call: "plugin",
      details: { plugin: "org.logomesh.text-tools", tool: "keywords", durationMs: 0.9 },
      output: { keywords: [{ keyword: "life", count: 9 }] },
    },
    {
      reference: "/do/2/study/fork/branches/2/shape",
      type: "call",
      call: "plugin",
      details: { plugin: "org.logomesh.data-stats", tool: "describe", durationMs: 1.2 },
      output: { count: 5, median: 81, max: 130 },
    },
    { reference: "/do/2/study/fork/branches/3/summary", type: "try" },
    {
      reference: "/do/2/study/fork/branches/3/summary/try/0/ask",
      type: "call",
      call: "llm",
      details: MODEL,
      output: { text: SUMMARY },
    },
  ],
  [{ reference: "/do/3/collect", type: "set", output: { summary: SUMMARY } }],
  [{ reference: "/do/4/length", type: "switch", output: null }],
  [
    { reference: "/do/5/condense", type: "do" },
    {
      reference: "/do/5/condense/do/0/again",
      type: "call",
      call: "llm",
      details: MODEL,
      output: { text: "- live deliberately\n- learn" },
    },
  ],
  [
    {
      reference: "/do/6/keep",
      type: "call",
      call: "thought.create",
      output: { id: "thought-1", title: "Digest: walden.md" },
    },
  ],
];

export const OUTPUT: JsonValue = {
  thoughtId: "thought-1",
  title: "Digest: walden.md",
  summary: SUMMARY,
  segments: [
    { title: "Key points", content: "- live deliberately\n- learn" },
    { title: "Keywords", content: "life, woods, deliberately" },
  ],
};

export function taskOf(step: Step, { seq, status }: { seq: number; status: TaskStatus }): RunTask {
  const name = step.reference.split("/").at(-1) ?? "";
  const isOver = status === "completed" || status === "faulted";
  return {
    seq,
    reference: step.reference,
    name,
    type: step.type,
    ...(step.call === undefined ? {} : { call: step.call }),
    attempt: 1,
    status,
    effect: step.call === "llm" ? "idempotent" : "pure",
    startedAt: ago(400),
    ...(isOver ? { endedAt: ago(100), ...(step.details === undefined ? {} : { details: step.details }) } : {}),
    input: step.call === "llm" ? { prompt: "Summarise the following text." } : { text: "I went to the woods" },
    ...(isOver && step.output !== undefined ? { output: step.output } : {}),
  };
}

/** All tasks of a run that has gone through the first stages. */
export function tasksUpTo(stages: number): RunTask[] {
  return STAGES.slice(0, stages)
    .flat()
    .map((step, index) => taskOf(step, { seq: index + 1, status: "completed" }));
}
