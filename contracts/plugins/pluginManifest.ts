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

const pluginId = z
  .string()
  .max(128)
  .regex(
    /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+$/,
    "use a reverse-DNS name, for example org.example.word-count",
  );

const relativePath = z
  .string()
  .min(1)
  .max(1024)
  .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[^\0\\]+$/, "use a relative path inside the plugin folder");

/** Shown as a link: nothing but the web. */
const webAddress = z.url({ protocol: /^https?$/, error: "use an address that begins with https://" }).max(500);

/** A folder of the workspace. */
const mountPath = z
  .string()
  .max(1024)
  .regex(
    /^(?!(.*\/)?\.{1,2}(\/|$))[\w@.-]+(\/[\w@.-]+)*$/,
    "use the path of a folder in the workspace, of letters, digits and . _ @ -",
  );

function hasDistinctNames(mounts: readonly { path: string }[]): boolean {
  return new Set(mounts.map(({ path }) => path.split("/").at(-1))).size === mounts.length;
}

/** Arguments and variables end at a NUL character. */
const textWithoutNul = z
  .string()
  .max(4096)
  .regex(/^[^\0]*$/, "has a NUL character");

const why = z.string().min(1).max(500);

/** What the plugin asks to be granted, each with the reason the user reads. A maximum, never a grant. */
export const PluginPermissionsSchema = z.strictObject({
  "fs.read": z.array(z.strictObject({ path: z.string().min(1), why })).optional(),
  "fs.propose": z.array(z.strictObject({ path: z.string().min(1), why })).optional(),
  "fs.mount": z
    .array(z.strictObject({ path: mountPath, why }))
    .max(8)
    .refine(hasDistinctNames, "two folders have the same name; each appears at /work/<name>")
    .optional(),
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
  env: z
    .array(
      z.strictObject({
        name: z
          .string()
          .max(100)
          .regex(/^[A-Z_][A-Z0-9_]*$/),
        /** What it is when the settings of the plugin have no value of this name; without either it is not set. */
        default: textWithoutNul.optional(),
        why,
      }),
    )
    .max(64)
    .optional(),
});
export type PluginPermissions = z.infer<typeof PluginPermissionsSchema>;

const ToolEntrySchema = z.strictObject({
  effect: EffectSchema.default("once"),
  /** Only where the workbench speaks the protocol for the plugin, as are the schemas: `shell`. */
  description: z.string().min(1).max(2000).optional(),
  /** JSON Schema of an object. */
  input_schema: z.record(z.string(), z.json()).optional(),
  output_schema: z.record(z.string(), z.json()).optional(),
});

/** `plugin.json`, version 1. */
export const PluginManifestSchema = z.strictObject({
  $schema: z.string().optional(),
  id: pluginId,
  name: z.string().min(1).max(80),
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/, "use a semantic version, for example 1.0.0"),
  description: z.string().min(1).max(500),
  runtime: PluginRuntimeSchema,
  /** Path inside the plugin folder; never absolute, never leaving it. */
  entry_point: relativePath,
  /** Passed to the entry point as they are; no shell reads them. */
  args: z.array(textWithoutNul).max(64).default([]),
  security_level: SecurityLevelSchema,
  resource_limits: ResourceLimitsSchema.prefault({}),
  permissions: PluginPermissionsSchema.default({}),
  /** By tool name; a tool not named here is `once`. For the shell, a table with descriptions stands for the protocol. */
  tools: z.record(z.string().min(1).max(128), ToolEntrySchema).default({}),
  /** Version range (semver) by plugin id. */
  dependencies: z.record(pluginId, z.string().min(1).max(200)).default({}),
  /** When it starts: with the first call of a tool, with the workbench, or when an event of a type is published. */
  activation: z
    .array(
      z
        .string()
        .regex(
          /^(onTool|onStart|onEvent:[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\.\*)?)$/,
          "use onTool, onStart or onEvent:<type>, for example onEvent:org.example.saved",
        ),
    )
    .min(1)
    .max(32)
    .default(["onTool"]),
  engines: z.strictObject({ logomesh: z.string().optional() }).optional(),
  /** JSON Schema of an object: what a person can set, and what is refused. */
  config: z.record(z.string(), z.json()).optional(),
  author: z.string().max(200).optional(),
  /** An SPDX expression. */
  license: z.string().max(100).optional(),
  homepage: webAddress.optional(),
  repository: webAddress.optional(),
  keywords: z.array(z.string().min(1).max(50)).max(50).optional(),
  categories: z.array(z.string().min(1).max(50)).max(10).optional(),
  /** Pictures of the bundle. */
  icon: relativePath.optional(),
  screenshots: z.array(relativePath).max(10).optional(),
});
export type PluginManifest = z.infer<typeof PluginManifestSchema>;
