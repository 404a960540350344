import { RunStatusSchema, isTerminalRunStatus, type Run, type RunSummary } from "@logomesh/contracts";
import { z } from "zod";
import { valueWithin } from "../results.ts";

export const RunItemSchema = z.object({
  id: z.string(),
  workflow: z.string().describe("<namespace>/<name>"),
  version: z.string(),
  status: RunStatusSchema,
  statusReason: z.string().optional(),
  simulated: z.boolean().optional().describe("true when a simulated model answered any step"),
  startedBy: z.string().optional(),
  createdAt: z.string(),
  endedAt: z.string().optional(),
});

export const RunResultSchema = RunItemSchema.extend({
  isFinished: z.boolean(),
  input: z.unknown().optional(),
  inputOmittedBytes: z.int().optional().describe("the input is this large and was left out"),
  output: z.unknown().optional(),
  outputOmittedBytes: z.int().optional().describe("the output is this large and was left out"),
  error: z.object({ title: z.string(), detail: z.string(), code: z.string() }).optional(),
  next: z.string().optional().describe("what to do when the run has not finished"),
});

export function runItem(run: RunSummary): z.infer<typeof RunItemSchema> {
  const { id, workflow, status, statusReason, simulated, startedBy, createdAt, endedAt } = run;
  return {
    ...{ id, workflow: `${workflow.namespace}/${workflow.name}`, version: workflow.version, status, createdAt },
    ...(statusReason === undefined ? {} : { statusReason }),
    ...(simulated === undefined ? {} : { simulated }),
    ...(startedBy === undefined ? {} : { startedBy }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

export function runResult(run: Run): z.infer<typeof RunResultSchema> {
  const isFinished = isTerminalRunStatus(run.status);
  const { title = "", detail = "", code = "" } = run.error ?? {};
  return {
    ...runItem(run),
    isFinished,
    ...valueWithin("input", run.input),
    ...valueWithin("output", run.output),
    ...(run.error === undefined ? {} : { error: { title, detail, code } }),
    ...(isFinished ? {} : { next: nextStep(run) }),
  };
}

function nextStep({ id, status }: Run): string {
  return status === "suspended"
    ? "The run waits for a person, who decides about it in LogoMesh."
    : `The run goes on. Wait for it with run_watch {"id": "${id}"}.`;
}
