import { z } from "zod";
import { JsonObjectSchema } from "../json.ts";

export const ActorSchema = z.object({
  /** person, client, workflow, plugin, system. */
  type: z.enum(["person", "client", "workflow", "plugin", "system"]),
  id: z.string(),
});
export type Actor = z.infer<typeof ActorSchema>;

/** Which run, task and plugin an entry belongs to; also what queries filter by. */
export const TraceSchema = z.object({
  run: z.string().optional(),
  task: z.string().optional(),
  plugin: z.string().optional(),
  model: z.string().optional(),
  status: z.string().optional(),
});
export type Trace = z.infer<typeof TraceSchema>;

export const PayloadReferenceSchema = z.object({
  /** SHA-256 (hex) of a 16-byte salt followed by the bytes. */
  commit: z.string(),
  len: z.int().min(0),
  media: z.string(),
});

/** The hashed body of an entry: RFC 8785 bytes, integers and strings only. */
export const AuditEntryBodySchema = z.object({
  v: z.literal(1),
  log: z.string(),
  seq: z.int().min(0),
  ts: z.iso.datetime(),
  kind: z.string(),
  actor: ActorSchema,
  trace: TraceSchema,
  data: JsonObjectSchema,
  payload: z.record(z.string(), PayloadReferenceSchema),
});
export type AuditEntryBody = z.infer<typeof AuditEntryBodySchema>;

export const AuditEntrySchema = AuditEntryBodySchema.extend({
  /** Hex leaf hash. */
  leaf: z.string(),
  /** Payload text by role, where it was asked for and still exists. */
  payloads: z.record(z.string(), z.string()).optional(),
});
export type AuditEntry = z.infer<typeof AuditEntrySchema>;

export const AuditQuerySchema = z.object({
  kind: z.string().optional(),
  actor: z.string().optional(),
  model: z.string().optional(),
  run: z.string().optional(),
  plugin: z.string().optional(),
  status: z.string().optional(),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
  /** Full text over payloads. */
  q: z.string().max(500).optional(),
});
export type AuditQuery = z.infer<typeof AuditQuerySchema>;

export const VerifyFindingSchema = z.object({
  severity: z.enum(["tampered", "incomplete", "note"]),
  /** The first bad entry, when the fault belongs to one. */
  seq: z.int().min(0).optional(),
  message: z.string(),
});

export const VerifyReportSchema = z.object({
  /** 0 ok, 1 tampered, 2 incomplete or without outside anchor. The CLI's exit code. */
  exitCode: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  log: z.string(),
  entries: z.int().min(0),
  root: z.string(),
  checkpoints: z.int().min(0),
  outsideCheckpoints: z.int().min(0),
  /** Entries newer than the newest outside checkpoint. */
  entriesSinceOutside: z.int().min(0),
  findings: z.array(VerifyFindingSchema),
  durationMs: z.number().min(0),
});
export type VerifyReport = z.infer<typeof VerifyReportSchema>;
