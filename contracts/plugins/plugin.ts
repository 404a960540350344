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

/** Bounds that the workbench keeps for calls of one plugin. */
export const PluginLimiterSchema = z.object({
  running: z.int().min(0),
  runningMax: z.int().min(1),
  /** Calls that wait for their turn. */
  waiting: z.int().min(0),
  waitingMax: z.int().min(1),
  /** Tools that failed lately: `open` refuses calls, `half-open` lets one try. */
  circuits: z.array(
    z.object({
      tool: z.string(),
      state: z.enum(["closed", "open", "half-open"]),
      failures: z.int().min(1),
      retryInMs: z.int().min(0).optional(),
    }),
  ),
});
export type PluginLimiter = z.infer<typeof PluginLimiterSchema>;

/** Who was granted what; `permissions` may be less than the manifest asks for. */
export const PluginGrantSchema = z.object({
  pluginId: z.string(),
  /** Of the content that was granted. */
  sha256: z.string(),
  /** Whether that is the content that is installed. */
  isCurrent: z.boolean(),
  group: z.enum(["builtin", "user"]),
  permissions: PluginPermissionsSchema,
  /** A person let this content run without the sandbox. */
  outsideSandbox: z.literal(true).optional(),
  grantedBy: z.string(),
  /** Of the tools' definitions, once the plugin has shown them. */
  toolsHash: z.string().optional(),
});
export type PluginGrantInfo = z.infer<typeof PluginGrantSchema>;

export const GrantPluginParamsSchema = z.strictObject({
  /** Of the content that the person looked at. */
  sha256: z.string(),
  /** A part of what the manifest asks for. Default: all of it. */
  permissions: PluginPermissionsSchema.optional(),
  /** Lets it run without the sandbox, with everything that the workbench's user may do; needed where `outside` says so, else refused. */
  outsideSandbox: z.literal(true).optional(),
});
export type GrantPluginParams = z.infer<typeof GrantPluginParamsSchema>;

/** What differs between the version that was granted and the one that is installed now. */
export const PluginChangesSchema = z.object({
  fromVersion: z.string(),
  fromSha256: z.string(),
  permissions: z.object({
    added: JsonObjectSchema,
    removed: JsonObjectSchema,
    /** Asked for by both, in another way: `{before, after}` by permission. */
    changed: z.record(z.string(), z.object({ before: JsonValueSchema, after: JsonValueSchema })),
  }),
  /** Of the tools that the manifests name. */
  tools: z.object({ added: z.array(z.string()), removed: z.array(z.string()), changed: z.array(z.string()) }),
  /** Other fields of the manifest that say how it runs: `entry_point`, `args`, `runtime`, `resource_limits` … */
  fields: z.array(z.string()),
});
export type PluginChanges = z.infer<typeof PluginChangesSchema>;

/** What a plugin kept while it had read private data: who reads it, has too. */
export const PrivateDataSchema = z.object({
  since: z.iso.datetime(),
  /** Its own folder, `/data`, was within the reach of such a process: each process that sees it is tainted from its start. */
  folder: z.boolean(),
  values: z.int().min(0),
  blobs: z.int().min(0),
});

export const DeclassifyParamsSchema = z.strictObject({
  /** Goes into the log: why what it kept is not private. */
  why: z.string().min(1).max(500),
});

/** What the tools of a running plugin say that those did not which were approved before, whatever its manifest says. */
export const ToolChangesSchema = z.object({
  /** Whose tools were approved before. */
  fromVersion: z.string(),
  added: z.array(PluginToolSchema),
  removed: z.array(z.string()),
  changed: z.array(z.object({ name: z.string(), before: PluginToolSchema, after: PluginToolSchema })),
});
export type ToolChanges = z.infer<typeof ToolChangesSchema>;

/** Of a plugin that does not run in the sandbox. */
const OutsideSchema = z.object({
  /** Its security level, or that there is no sandbox here. */
  reason: z.enum(["trusted", "dev-only", "no-sandbox"]),
  /** A person let exactly this content run so. */
  granted: z.boolean(),
  /** Why it cannot run here even so. */
  refusal: z.string().optional(),
});

/** Another content of a plugin that is installed and serves when it is granted; until then the granted one does. */
export const WaitingPluginSchema = z.object({
  version: z.string(),
  sha256: z.string(),
  description: z.string(),
  command: z.array(z.string()),
  permissions: PluginPermissionsSchema,
  limits: ResourceLimitsSchema,
  tools: z.array(PluginToolSchema),
  changes: PluginChangesSchema,
  /** Whether it would run in the sandbox here. */
  sandboxed: z.boolean(),
  outside: OutsideSchema.optional(),
});
export type WaitingPlugin = z.infer<typeof WaitingPluginSchema>;

/** An older content of a plugin that runs go on calling which began with it. */
export const PinnedVersionSchema = z.object({ sha256: z.string(), runs: z.int().min(1), isRunning: z.boolean() });
export type PinnedVersion = z.infer<typeof PinnedVersionSchema>;

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
  /** Whether it runs in the sandbox here. */
  sandboxed: z.boolean(),
  /** Of a plugin that does not. */
  outside: OutsideSchema.optional(),
  group: z.enum(["builtin", "user"]),
  granted: z.boolean(),
  /** False when a person switched it off. */
  enabled: z.boolean(),
  /** What runs inside of the sandbox: interpreter, entry point, arguments; whole. */
  command: z.array(z.string()),
  /** Version range by plugin id. */
  dependencies: z.record(z.string(), z.string()),
  activation: z.array(z.string()),
  /** Served from a folder in which it is being written. */
  development: z.boolean(),
  /** Against the version that was granted, when that is another one. */
  changes: PluginChangesSchema.optional(),
  /** What its folder holds now, when that is not what was granted. */
  waiting: WaitingPluginSchema.optional(),
  /** Older contents that live runs began with. */
  pinned: z.array(PinnedVersionSchema).optional(),
  permissions: PluginPermissionsSchema,
  limits: ResourceLimitsSchema,
  /** Known after the first load. */
  tools: z.array(PluginToolSchema),
  /** Of its last start, when the tools said something else than those that were approved before. */
  toolChanges: ToolChangesSchema.optional(),
  usage: PluginUsageSchema,
  limiter: PluginLimiterSchema.optional(),
  /** Of the last process that ended by itself since the workbench started. */
  lastCrash: z.object({ at: z.iso.datetime(), code: z.string(), reason: z.string() }).optional(),
  problem: ProblemSchema.optional(),
  privateData: PrivateDataSchema.optional(),
});
export type Plugin = z.infer<typeof PluginSchema>;

/** What a person can set for a plugin, and did. */
export const PluginSettingsSchema = z.object({
  /** JSON Schema of the settings, from the manifest; null when there are none. */
  schema: JsonObjectSchema.nullable(),
  /** With the defaults of the schema where nothing was set: what the plugin is told. */
  settings: JsonObjectSchema,
});
export type PluginSettings = z.infer<typeof PluginSettingsSchema>;

const absolutePath = z.string().min(1).max(4096).regex(/^\//, "use an absolute path");

export const ServeDevelopmentParamsSchema = z.strictObject({
  /** The plugin's folder, an absolute path of the workbench's machine. */
  path: absolutePath,
});

/** Of a `.tgz` or an `.mcpb` that is installed: far more than code needs, little enough to hold in memory. */
export const PLUGIN_ARCHIVE_BYTES_MAX = 64 * 1_048_576;

export const InstallPluginParamsSchema = z.strictObject({
  /** An absolute path of the workbench's machine: a folder, a `.tgz` or an `.mcpb`. */
  path: absolutePath,
});
export type InstallPluginParams = z.infer<typeof InstallPluginParamsSchema>;

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

/** How far a call is: `progress` rises, `total` is there when the tool knows it. */
export const ToolProgressSchema = z.object({
  progress: z.number().min(0),
  total: z.number().positive().optional(),
  message: z.string().optional(),
});
export type ToolProgress = z.infer<typeof ToolProgressSchema>;

/** A line of the NDJSON stream of `POST /api/plugins/:id/tools/:tool` with `Accept: application/x-ndjson`. */
export const CallToolChunkSchema = z.union([
  z.object({ progress: ToolProgressSchema }),
  z.object({ result: CallToolResultSchema }),
]);
export type CallToolChunk = z.infer<typeof CallToolChunkSchema>;
