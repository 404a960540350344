import { z } from "zod";
import { ApprovalSchema } from "../approvals/approval.ts";
import { ProblemSchema } from "../errors/problem.ts";
import { JsonObjectSchema } from "../json.ts";
import { ToolProgressSchema } from "../plugins/plugin.ts";
import { RunEventSchema, RunSummarySchema, RunTaskSummarySchema } from "../workflows/run.ts";

/** First message of every client on `/api/events`; nothing is sent before it. */
export const ClientHelloSchema = z.strictObject({ type: z.literal("auth"), token: z.string().min(1).max(500) });

/**
 * What the server sends on `/api/events?run=&types=&after=`.
 * `snapshot` comes first (with `run`: that run and its tasks; without: nothing but the position), then `event`s with rising
 * `id`. `task`, `token` and `progress` are ephemeral: newest state of a live task, text of a model as it arrives, and how far a plugin's
 * tool says it is.
 * `approval` tells a change in the inbox, to whoever may decide (scope `admin`) and watches all runs.
 * `reset` says that the client was too slow and must take the snapshot that follows.
 */
export const ServerMessageSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("snapshot"),
    /** Resume with `after=<position>`. */
    position: z.int().min(0),
    run: RunSummarySchema.optional(),
    tasks: z.array(RunTaskSummarySchema).optional(),
  }),
  z.object({ type: z.literal("event"), event: RunEventSchema, run: RunSummarySchema.optional() }),
  z.object({ type: z.literal("task"), runId: z.string(), task: RunTaskSummarySchema }),
  z.object({ type: z.literal("token"), runId: z.string(), taskSeq: z.int(), delta: z.string() }),
  z.object({ type: z.literal("progress"), runId: z.string(), taskSeq: z.int(), progress: ToolProgressSchema }),
  z.object({ type: z.literal("plugin"), plugin: JsonObjectSchema }),
  z.object({
    type: z.literal("approval"),
    approval: ApprovalSchema,
    /** How many wait for a person now. */
    pending: z.int().min(0),
  }),
  z.object({ type: z.literal("reset") }),
  z.object({ type: z.literal("error"), problem: ProblemSchema }),
]);
export type ServerMessage = z.infer<typeof ServerMessageSchema>;
