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

/** `<plugin>#<tool>` */
const ToolReferenceSchema = z
  .string()
  .max(330)
  .regex(/^[^#\s]+#[^#\s]+$/, "name a tool as <plugin>#<tool>");

export const TokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(ScopeSchema),
  /** Plugin tools that its client may call over the Model Context Protocol, as `<plugin>#<tool>`. */
  tools: z.array(z.string()).optional(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  lastUsedAt: z.iso.datetime().optional(),
});
export type Token = z.infer<typeof TokenSchema>;

export const CreateTokenParamsSchema = z
  .strictObject({
    name: z.string().min(1).max(100),
    scopes: z.array(ScopeSchema).min(1),
    /** Only with the scope `mcp`. Default: none. */
    tools: z.array(ToolReferenceSchema).max(200).optional(),
    expiresInDays: z.int().min(1).max(3650).optional(),
  })
  .refine(({ tools = [], scopes }) => tools.length === 0 || scopes.includes("mcp"), {
    path: ["tools"],
    message: "tools need the scope mcp",
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
