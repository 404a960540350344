import { z } from "zod";
import { PageQuerySchema } from "../api/page.ts";
import { ActorSchema } from "../audit/audit.ts";
import { JsonObjectSchema, JsonValueSchema } from "../json.ts";

/** What waits for a person: a change of a file, a model's proposal, a workflow's task, a step with an unknown outcome, a workflow's grants. */
export const ApprovalKindSchema = z.enum(["file-change", "model", "task", "unknown-step", "workflow"]);
export type ApprovalKind = z.infer<typeof ApprovalKindSchema>;

/**
 * `approved` and `rejected` say what was decided, `failed` that carrying it out failed, `expired` that nobody decided in time, `undone`
 * that what was carried out was taken back. What was decided is carried out once `settledAt` is there.
 */
export const ApprovalStatusSchema = z.enum(["pending", "approved", "rejected", "expired", "failed", "undone"]);
export type ApprovalStatus = z.infer<typeof ApprovalStatusSchema>;

export const ApprovalSchema = z.object({
  id: z.string(),
  kind: ApprovalKindSchema,
  /** One line, by whoever asks: show it as text of a stranger. */
  title: z.string(),
  status: ApprovalStatusSchema,
  requestedBy: ActorSchema,
  trace: z.object({ run: z.string().optional(), task: z.string().optional(), plugin: z.string().optional() }),
  /** SHA-256 of the canonical payload. A decision names it. */
  contentHash: z.string(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  decidedAt: z.iso.datetime().optional(),
  decidedBy: ActorSchema.optional(),
  comment: z.string().optional(),
  /** When the decision had been carried out, or that had failed. */
  settledAt: z.iso.datetime().optional(),
  undoneAt: z.iso.datetime().optional(),
  undoneBy: ActorSchema.optional(),
});
export type Approval = z.infer<typeof ApprovalSchema>;

export const ApprovalDetailSchema = ApprovalSchema.extend({
  /** What is decided about; its shape depends on the kind. */
  payload: JsonObjectSchema,
  /** What carrying it out answered; a problem document when it failed. */
  outcome: JsonValueSchema.optional(),
  /** Whether `undo` would be tried now. */
  isUndoable: z.boolean(),
});
export type ApprovalDetail = z.infer<typeof ApprovalDetailSchema>;

export const ApprovalQuerySchema = PageQuerySchema.extend({
  kind: ApprovalKindSchema.optional(),
  status: ApprovalStatusSchema.optional(),
});
export type ApprovalQuery = z.infer<typeof ApprovalQuerySchema>;

export const DecideApprovalParamsSchema = z.strictObject({
  decision: z.enum(["approved", "rejected"]),
  /** Of what the person saw. */
  contentHash: z.string().regex(/^[0-9a-f]{64}$/, "must be the approval's contentHash"),
  comment: z.string().max(2000).optional(),
});
export type DecideApprovalParams = z.infer<typeof DecideApprovalParamsSchema>;

/** Payload of the kind `file-change`. */
export const FileChangeSchema = z.object({
  path: z.string(),
  /** SHA-256 of the file that the change starts from; null for a new file. */
  baseSha256: z.string().nullable(),
  baseText: z.string().nullable(),
  /** Null deletes the file. */
  text: z.string().nullable(),
  sha256: z.string().nullable(),
  /** A unified diff that `git apply` takes. */
  patch: z.string(),
  /** Permission bits that the file has or will have. */
  mode: z.int().min(0).max(0o777),
  /** Why, in the words of who proposes. */
  reason: z.string().max(2000).optional(),
});
export type FileChangePayload = z.infer<typeof FileChangeSchema>;
