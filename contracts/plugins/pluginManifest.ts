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
  memory_mb: z.int().min(16).max(4096).default(256).describe("MiB of memory of the whole process tree."),
  cpu_percent: z.int().min(1).max(800).default(100).describe("100 is one core."),
  max_processes: z.int().min(1).max(256).default(32).describe("Processes and threads."),
  max_open_files: z.int().min(16).max(4096).default(256).describe("Open files of one process."),
  tmp_mb: z.int().min(1).max(1024).default(64).describe("MiB of `/tmp`, which is empty at each start."),
  start_timeout_ms: z.int().min(100).max(120_000).default(10_000).describe("Until the handshake is complete."),
  call_timeout_ms: z.int().min(10).max(3_600_000).default(30_000).describe("Of one call; a caller may ask for less."),
  max_message_bytes: z
    .int()
    .min(4096)
    .max(8_388_608)
    .default(1_048_576)
    .describe("One line of the protocol, either way; a longer one ends the plugin."),
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

const why = z.string().min(1).max(500).describe("The reason, which the person reads before granting it.");

const sharedPath = z
  .string()
  .min(1)
  .describe("A file or folder of the workspace's shared folders; a folder includes what is below it.");
const eventType = z.string().min(1).describe("An event type, or with a trailing `.*` all types that begin so.");

const netFetchEntry = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .describe(
        "A name, with `:port` unless it is 443. Nothing else matches it. With `http://` before it: unencrypted, on port 80.",
      ),
    methods: z.array(z.string()).min(1).describe("HTTP methods, for example `GET`; `*` alone with `via`."),
    via: z
      .literal("proxy")
      .describe(
        "For programs that open connections themselves: they find a proxy. Default: `net_fetch` of the host plane.",
      )
      .optional(),
    why,
  })
  .refine(
    ({ methods, via }) => methods.includes("*") === (via !== undefined) && !(via !== undefined && methods.length > 1),
    {
      path: ["methods"],
      error: `use ["*"] together with "via": "proxy", and only there: what goes through an encrypted tunnel is not seen, so no method can be kept out`,
    },
  );

/** What the plugin asks to be granted, each with the reason the user reads. A maximum, never a grant. */
export const PluginPermissionsSchema = z.strictObject({
  "fs.read": z
    .array(z.strictObject({ path: sharedPath, why }))
    .describe("Read files of the workspace's shared folders, through the workbench.")
    .optional(),
  "fs.propose": z
    .array(z.strictObject({ path: sharedPath, why }))
    .describe("Propose changes of files; each waits until a person has seen and approved it.")
    .optional(),
  "fs.mount": z
    .array(z.strictObject({ path: mountPath.describe("A folder of the workspace."), why }))
    .max(8)
    .refine(hasDistinctNames, "two folders have the same name; each appears at /work/<name>")
    .describe("See folders of the workspace, read-only, at `/work/<name>`: for servers that read files by themselves.")
    .optional(),
  "fs.data": z
    .strictObject({ max_mb: z.int().min(1).max(10_240).describe("MiB that it may keep there."), why })
    .describe("A folder of its own to write to, `/data`, which outlives its processes.")
    .optional(),
  "net.fetch": z
    .array(netFetchEntry)
    .describe("Ask hosts by https, through the workbench; or connect to them.")
    .optional(),
  "llm.generate": z
    .strictObject({
      models: z.array(z.string()).min(1).describe("Names or aliases of models, for example `default`."),
      max_tokens_per_day: z.int().min(1).describe("Tokens of prompts and answers together, from midnight (UTC)."),
      why,
    })
    .describe("Ask language models.")
    .optional(),
  "plugin.call": z
    .array(z.strictObject({ target: z.string().min(1).describe("`<plugin id>#<tool>`."), why }))
    .describe("Call tools of other plugins.")
    .optional(),
  "event.publish": z
    .array(z.strictObject({ type: eventType, why }))
    .describe("Publish events.")
    .optional(),
  "event.subscribe": z
    .array(z.strictObject({ type: eventType, why }))
    .describe("Hear events.")
    .optional(),
  store: z
    .strictObject({
      max_bytes: z.int().min(1).max(1_073_741_824).describe("Of all values together, and of all blobs together."),
      why,
    })
    .describe("Keep JSON values by key, and bytes by handle.")
    .optional(),
  "thought.read": z.strictObject({ why }).describe("Search and read thoughts.").optional(),
  "thought.write": z.strictObject({ why }).describe("Create thoughts.").optional(),
  "model.propose": z
    .strictObject({ why })
    .describe("Propose which model an alias shall mean; a person approves it.")
    .optional(),
  env: z
    .array(
      z.strictObject({
        name: z
          .string()
          .max(100)
          .regex(/^[A-Z_][A-Z0-9_]*$/)
          .describe("Name of the variable."),
        default: textWithoutNul
          .describe("What it is when settings and secrets have no value of this name; without any it is not set.")
          .optional(),
        why,
      }),
    )
    .max(64)
    .describe("Get variables whose values are in the plugin's settings or in the workspace's secrets.")
    .optional(),
});
export type PluginPermissions = z.infer<typeof PluginPermissionsSchema>;

const ToolEntrySchema = z.strictObject({
  effect: EffectSchema.default("once").describe(
    "How often an effect may happen: any number of times (`pure`), any number with one key (`idempotent`), at most once (`once`).",
  ),
  description: z
    .string()
    .min(1)
    .max(2000)
    .describe("Only for `shell`, where the workbench speaks the protocol for the plugin: what the tool does.")
    .optional(),
  input_schema: z
    .record(z.string(), z.json())
    .describe("Only with `description`: JSON Schema of the arguments, an object.")
    .optional(),
  output_schema: z
    .record(z.string(), z.json())
    .describe("Only with `description`: JSON Schema of the result, an object; what is printed must be JSON that fits.")
    .optional(),
});

/** `plugin.json`, version 1. */
export const PluginManifestSchema = z.strictObject({
  $schema: z.string().describe("Address of this schema, for editors.").optional(),
  id: pluginId.describe("A reverse-DNS name, for example `org.example.word-count`. It never changes."),
  name: z.string().min(1).max(80).describe("What people read."),
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/, "use a semantic version, for example 1.0.0")
    .describe("A semantic version."),
  description: z.string().min(1).max(500).describe("One or two sentences: what it is for."),
  runtime: PluginRuntimeSchema.describe("What runs the entry point."),
  entry_point: relativePath.describe("Path of the program inside the plugin's folder."),
  args: z
    .array(textWithoutNul)
    .max(64)
    .default([])
    .describe("Passed to the entry point as they are; no shell reads them."),
  security_level: SecurityLevelSchema.describe("Where it runs."),
  resource_limits: ResourceLimitsSchema.prefault({}).describe("What the operating system lets it use."),
  permissions: PluginPermissionsSchema.default({}).describe("What it asks for: a maximum, never a grant."),
  tools: z
    .record(z.string().min(1).max(128), ToolEntrySchema)
    .default({})
    .describe("By tool name; a tool that is not named here is `once`."),
  dependencies: z
    .record(pluginId, z.string().min(1).max(200))
    .default({})
    .describe("Plugins that it needs: version range (semver) by id."),
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
    .default(["onTool"])
    .describe(
      "When it starts: with the first call of a tool (`onTool`), with the workbench (`onStart`), or when an event of a type is published (`onEvent:<type>`).",
    ),
  engines: z
    .strictObject({ logomesh: z.string().describe("Version range (semver) of the workbench.").optional() })
    .describe("What it runs on.")
    .optional(),
  config: z
    .record(z.string(), z.json())
    .describe("JSON Schema of an object: the settings that a person can make, and what is refused.")
    .optional(),
  author: z.string().max(200).describe("Who made it.").optional(),
  license: z.string().max(100).describe("An SPDX expression.").optional(),
  homepage: webAddress.describe("Shown as a link.").optional(),
  repository: webAddress.describe("Shown as a link.").optional(),
  keywords: z.array(z.string().min(1).max(50)).max(50).describe("Found by a search.").optional(),
  categories: z.array(z.string().min(1).max(50)).max(10).describe("Found by a search.").optional(),
  icon: relativePath.describe("A picture of the bundle.").optional(),
  screenshots: z.array(relativePath).max(10).describe("Pictures of the bundle.").optional(),
});
export type PluginManifest = z.infer<typeof PluginManifestSchema>;
