import { z } from "zod";
import { JsonObjectSchema, JsonValueSchema } from "../json.ts";
import { ProblemSchema } from "../errors/problem.ts";
import {
  EffectSchema,
  PluginPermissionsSchema,
  PluginRuntimeSchema,
  ResourceLimitsSchema,
  SecurityLevelSchema,
} from "./pluginManifest.ts";

export const PluginStateSchema = z.enum([
  "discovered",
  "resolved",
  "loading",
  "ready",
  "busy",
  "draining",
  "stopping",
  "stopped",
  "disabled",
  "blocked",
  "invalid",
  "unresponsive",
  "crashed",
  "quarantined",
]);
export type PluginState = z.infer<typeof PluginStateSchema>;

export const PluginToolSchema = z.object({
  name: z.string(),
  description: z.string().optional(),
  effect: EffectSchema,
  inputSchema: JsonObjectSchema.optional(),
  outputSchema: JsonObjectSchema.optional(),
});
export type PluginTool = z.infer<typeof PluginToolSchema>;

/** A sample of what the plugin's process tree uses, and what it did since the workbench started. */
export const PluginUsageSchema = z.object({
  sampledAt: z.iso.datetime().optional(),
  /** Resident memory of the whole process tree. */
  memoryBytes: z.int().min(0),
  /** Of one core, since the last sample. */
  cpuPercent: z.number().min(0),
  processes: z.int().min(0),
  calls: z.int().min(0),
  errors: z.int().min(0),
  violations: z.int().min(0),
  callP50Ms: z.number().optional(),
  callP99Ms: z.number().optional(),
});
export type PluginUsage = z.infer<typeof PluginUsageSchema>;

/** An installed plugin as the API shows it. */
export const PluginSchema = z.object({
  id: z.string(),
  name: z.string(),
  version: z.string(),
  description: z.string(),
  runtime: PluginRuntimeSchema,
  securityLevel: SecurityLevelSchema,
  /** SHA-256 of the staged bundle: what was approved and what runs. */
  sha256: z.string(),
  state: PluginStateSchema,
  /** Why it is in this state, in words for the user. */
  stateReason: z.string().optional(),
  /** Whether `sandbox` plugins really run in one here. */
  sandboxed: z.boolean(),
  group: z.enum(["builtin", "user"]),
  granted: z.boolean(),
  permissions: PluginPermissionsSchema,
  limits: ResourceLimitsSchema,
  /** Known after the first load. */
  tools: z.array(PluginToolSchema),
  usage: PluginUsageSchema,
  problem: ProblemSchema.optional(),
});
export type Plugin = z.infer<typeof PluginSchema>;

export const CallToolParamsSchema = z.strictObject({
  arguments: JsonObjectSchema.default({}),
  /** Default: the plugin's `call_timeout_ms`. */
  timeoutMs: z.int().min(10).max(3_600_000).optional(),
});
export type CallToolParams = z.infer<typeof CallToolParamsSchema>;

/** One block of an MCP tool result; unknown kinds pass through as they are. */
export const ContentBlockSchema = z.looseObject({ type: z.string() });

export const CallToolResultSchema = z.object({
  content: z.array(ContentBlockSchema),
  structuredContent: JsonValueSchema.optional(),
  isError: z.boolean(),
  durationMs: z.number().min(0),
});
export type CallToolResult = z.infer<typeof CallToolResultSchema>;
