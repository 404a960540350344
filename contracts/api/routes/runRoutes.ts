import { z } from "zod";
import { JsonObjectSchema } from "../../json.ts";
import {
  RunSchema,
  RunStatusSchema,
  RunSummarySchema,
  RunTaskViewSchema,
  RunViewSchema,
  RunTaskSummarySchema,
  SignalRunParamsSchema,
} from "../../workflows/run.ts";
import {
  CompareRunsQuerySchema,
  CompareRunsResultSchema,
  ReplayRunResultSchema,
  ResumeRunParamsSchema,
  SuspendRunParamsSchema,
} from "../../workflows/operations.ts";
import { StartRunParamsSchema } from "../../workflows/workflow.ts";
import { PageQuerySchema, pageOf } from "../page.ts";
import { IdParamsSchema, type Route } from "../route.ts";

/** Payloads whose JSON has more bytes are left out, and their size is said instead. */
const PayloadLimitSchema = z.object({ payloadBytesMax: z.coerce.number().int().min(0).optional() });

export const runRoutes = {
  startRun: {
    method: "POST",
    path: "/api/runs",
    scope: "run",
    summary: "Start a run, optionally waiting for its end",
    body: StartRunParamsSchema,
    responses: { 200: RunSchema, 202: RunSchema },
  },
  listRuns: {
    method: "GET",
    path: "/api/runs",
    scope: "run",
    summary: "List runs, newest first",
    query: PageQuerySchema.extend({
      status: RunStatusSchema.optional(),
      workflow: z.string().optional(),
      q: z.string().max(200).optional(),
    }),
    responses: { 200: pageOf(RunSummarySchema) },
  },
  getRun: {
    method: "GET",
    path: "/api/runs/:id",
    scope: "run",
    summary: "A run with input and output",
    params: IdParamsSchema,
    query: PayloadLimitSchema,
    responses: { 200: RunViewSchema },
  },
  listRunTasks: {
    method: "GET",
    path: "/api/runs/:id/tasks",
    scope: "run",
    summary: "The tasks of a run in order of starting",
    params: IdParamsSchema,
    query: PageQuerySchema,
    responses: { 200: pageOf(RunTaskSummarySchema) },
  },
  getRunTask: {
    method: "GET",
    path: "/api/runs/:id/tasks/:seq",
    scope: "run",
    summary: "A task with input and output whole",
    params: IdParamsSchema.extend({ seq: z.coerce.number().int().min(0) }),
    query: PayloadLimitSchema,
    responses: { 200: RunTaskViewSchema },
  },
  cancelRun: {
    method: "POST",
    path: "/api/runs/:id/cancel",
    scope: "run",
    summary: "Cancel a run and stop its work",
    params: IdParamsSchema,
    responses: { 200: RunSchema },
  },
  signalRun: {
    method: "POST",
    path: "/api/runs/:id/signal",
    scope: "run",
    summary: "Send a signal to one run; it is kept until the run listens",
    params: IdParamsSchema,
    body: SignalRunParamsSchema,
    responses: { 202: z.object({ id: z.string() }) },
  },
  suspendRun: {
    method: "POST",
    path: "/api/runs/:id/suspend",
    scope: "run",
    summary: "Leave a run until it is resumed",
    params: IdParamsSchema,
    body: SuspendRunParamsSchema,
    responses: { 200: RunSchema },
  },
  resumeRun: {
    method: "POST",
    path: "/api/runs/:id/resume",
    scope: "run",
    summary: "Go on with a suspended run, deciding about steps whose outcome is unknown",
    params: IdParamsSchema,
    body: ResumeRunParamsSchema,
    responses: { 200: RunSchema },
  },
  retryRun: {
    method: "POST",
    path: "/api/runs/:id/retry",
    scope: "run",
    summary: "Go on with a faulted or cancelled run from the task that failed",
    params: IdParamsSchema,
    body: ResumeRunParamsSchema,
    responses: { 200: RunSchema },
  },
  replayRun: {
    method: "POST",
    path: "/api/runs/:id/replay",
    scope: "run",
    summary: "Run the interpreter over the journal without any effect, and compare",
    params: IdParamsSchema,
    responses: { 200: ReplayRunResultSchema },
  },
  compareRuns: {
    method: "GET",
    path: "/api/runs/compare",
    scope: "run",
    summary: "Two runs side by side",
    query: CompareRunsQuerySchema,
    responses: { 200: CompareRunsResultSchema },
  },
  getRunDefinition: {
    method: "GET",
    path: "/api/runs/:id/definition",
    scope: "run",
    summary: "The definition the run is pinned to",
    params: IdParamsSchema,
    responses: { 200: z.object({ source: z.string(), definition: JsonObjectSchema }) },
  },
} as const satisfies Record<string, Route>;
