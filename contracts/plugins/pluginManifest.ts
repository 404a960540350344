import { z } from "zod";

export const PluginRuntimeSchema = z.enum(["nodejs", "python", "shell"]);
export type PluginRuntime = z.infer<typeof PluginRuntimeSchema>;

export const SecurityLevelSchema = z.enum(["sandbox", "trusted", "dev-only"]);
export type SecurityLevel = z.infer<typeof SecurityLevelSchema>;

/** How often an effect may happen: any number of times, any number with one key, or at most once. */
export const EffectSchema = z.enum(["pure", "idempotent", "once"]);
export type Effect = z.infer<typeof EffectSchema>;

/** What the operating system lets one plugin process tree use. */
export const ResourceLimitsSchema = z.strictObject({
  memory_mb: z.int().min(16).max(4096).default(256),
  cpu_percent: z.int().min(1).max(800).default(100),
  max_processes: z.int().min(1).max(256).default(32),
  max_open_files: z.int().min(16).max(4096).default(256),
  tmp_mb: z.int().min(1).max(1024).default(64),
  start_timeout_ms: z.int().min(100).max(120_000).default(10_000),
  call_timeout_ms: z.int().min(10).max(3_600_000).default(30_000),
  max_message_bytes: z.int().min(4096).max(8_388_608).default(1_048_576),
});
export type ResourceLimits = z.infer<typeof ResourceLimitsSchema>;

const why = z.string().min(1).max(500);

/** What the plugin asks to be granted, each with the reason the user reads. A maximum, never a grant. */
export const PluginPermissionsSchema = z.strictObject({
  "fs.read": z.array(z.strictObject({ path: z.string().min(1), why })).optional(),
  "fs.propose": z.array(z.strictObject({ path: z.string().min(1), why })).optional(),
  "fs.mount": z.array(z.strictObject({ path: z.string().min(1), why })).optional(),
  "fs.data": z.strictObject({ max_mb: z.int().min(1).max(10_240), why }).optional(),
  "net.fetch": z
    .array(z.strictObject({ host: z.string().min(1), methods: z.array(z.string()).min(1), why }))
    .optional(),
  "llm.generate": z
    .strictObject({
      models: z.array(z.string()).min(1),
      max_tokens_per_day: z.int().min(1),
      why,
    })
    .optional(),
  "plugin.call": z.array(z.strictObject({ target: z.string().min(1), why })).optional(),
  "event.publish": z.array(z.strictObject({ type: z.string().min(1), why })).optional(),
  "event.subscribe": z.array(z.strictObject({ type: z.string().min(1), why })).optional(),
  store: z.strictObject({ max_bytes: z.int().min(1).max(1_073_741_824), why }).optional(),
  "thought.read": z.strictObject({ why }).optional(),
  "thought.write": z.strictObject({ why }).optional(),
  "model.propose": z.strictObject({ why }).optional(),
  env: z.array(z.strictObject({ name: z.string().regex(/^[A-Z_][A-Z0-9_]*$/), why })).optional(),
});
export type PluginPermissions = z.infer<typeof PluginPermissionsSchema>;

/** `plugin.json`, version 1. */
export const PluginManifestSchema = z.strictObject({
  $schema: z.string().optional(),
  id: z
    .string()
    .max(128)
    .regex(
      /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+$/,
      "use a reverse-DNS name, for example org.example.word-count",
    ),
  name: z.string().min(1).max(80),
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/, "use a semantic version, for example 1.0.0"),
  description: z.string().min(1).max(500),
  runtime: PluginRuntimeSchema,
  /** Path inside the plugin folder; never absolute, never leaving it. */
  entry_point: z
    .string()
    .min(1)
    .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[^\0\\]+$/, "use a relative path inside the plugin folder"),
  security_level: SecurityLevelSchema,
  resource_limits: ResourceLimitsSchema.prefault({}),
  permissions: PluginPermissionsSchema.default({}),
  /** Effect class per tool name; a tool not named here is `once`. */
  tools: z.record(z.string().min(1).max(128), z.strictObject({ effect: EffectSchema.default("once") })).default({}),
  dependencies: z.record(z.string(), z.string()).default({}),
  activation: z.array(z.string()).default(["onTool"]),
  engines: z.strictObject({ logomesh: z.string().optional() }).optional(),
  config: z.record(z.string(), z.json()).optional(),
  author: z.string().optional(),
  license: z.string().optional(),
  homepage: z.url().optional(),
  repository: z.url().optional(),
  keywords: z.array(z.string()).optional(),
  categories: z.array(z.string()).optional(),
  icon: z.string().optional(),
  screenshots: z.array(z.string()).optional(),
});
export type PluginManifest = z.infer<typeof PluginManifestSchema>;
