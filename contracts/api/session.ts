import { z } from "zod";
import { LockdownSchema } from "../policy/policy.ts";

export const ScopeSchema = z.enum(["admin", "run", "llm", "mcp", "metrics"]);
export type Scope = z.infer<typeof ScopeSchema>;

export const CreateSessionParamsSchema = z.strictObject({ code: z.string().min(1).max(200) });
export const SessionSchema = z.object({
  token: z.string(),
  scopes: z.array(ScopeSchema),
  expiresAt: z.iso.datetime(),
});
export type Session = z.infer<typeof SessionSchema>;

export const TokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(ScopeSchema),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  lastUsedAt: z.iso.datetime().optional(),
});
export type Token = z.infer<typeof TokenSchema>;

export const CreateTokenParamsSchema = z.strictObject({
  name: z.string().min(1).max(100),
  scopes: z.array(ScopeSchema).min(1),
  expiresInDays: z.int().min(1).max(3650).optional(),
});

/** The four lights of the top bar and what the first-run page shows. */
export const SystemStatusSchema = z.object({
  version: z.string(),
  workspace: z.string(),
  startedAt: z.iso.datetime(),
  sandbox: z.object({ available: z.boolean(), detail: z.string() }),
  audit: z.object({
    entries: z.int(),
    entriesSinceOutside: z.int(),
    verified: z.enum(["ok", "tampered", "incomplete", "pending"]),
  }),
  model: z.object({ provider: z.string(), model: z.string(), simulated: z.boolean(), hint: z.string().optional() }),
  lockdown: LockdownSchema,
  memoryBytes: z.int(),
});
export type SystemStatus = z.infer<typeof SystemStatusSchema>;
