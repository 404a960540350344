import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { parseSettings } from "./parseSettings.ts";
import { parseOllamaHost } from "./parseOllamaHost.ts";
import { parseVariable, given } from "./parseVariable.ts";

const PORT_DEFAULT = 7420;
const LogLevelSchema = z.enum(["debug", "info", "warn", "error", "silent"]);
/** Relative, with `/`; its spelling is checked in full where the folder is opened. */
const SharedFolderSchema = z
  .string()
  .regex(
    /^(?!\.{1,2}(\/|$))[^/\0]+(\/(?!\.{1,2}(\/|$))[^/\0]+)*$/,
    "must be a folder of the workspace, such as src or data/notes",
  );
const PortSchema = z.int().min(0).max(65_535);

const PLUGIN_PLACES_MAX = 32;
const PlacesSchema = z.int().min(1).max(1_000);
/** How much is done at once; the rest waits for its turn. */
const ConcurrencySchema = z.strictObject({
  /** Steps of all runs together. */
  steps: PlacesSchema.default(64),
  /** Prompts to all models on this machine together. More than one lets models push each other out of memory. */
  localModels: PlacesSchema.default(1),
  /** Prompts to one model, by its name; it then no longer counts among `localModels`. */
  models: z.record(z.string().min(1).max(200), PlacesSchema).default({}),
  /** Steps in one plugin, by its id; at most as many calls as it takes. */
  plugins: z.record(z.string().min(1).max(200), PlacesSchema.max(PLUGIN_PLACES_MAX)).default({}),
});

/** What `logomesh.yaml` may say. Every field has a default, so an empty file is a valid one. */
const SettingsSchema = z.strictObject({
  /** Address to listen on. Anything but loopback needs `allowedHosts`. */
  host: z.string().min(1).default("127.0.0.1"),
  /** 0 takes any free port. */
  port: PortSchema.default(PORT_DEFAULT),
  /** Names, besides those of loopback, under which browsers may reach the workbench. */
  allowedHosts: z.array(z.string().min(1).max(253)).max(100).default([]),
  log: LogLevelSchema.default("info"),
  /** Folders of the workspace that plugins, workflows and the DevShell may be granted to read and to propose changes to. */
  devShellSandboxPaths: z.array(SharedFolderSchema).max(20).default(["src", "docs"]),
  /** Where plugins are searched for: a `registry.json`, or a folder of plugins; relative to the workspace. */
  pluginRegistry: z.string().min(1).default("registry"),
  concurrency: ConcurrencySchema.prefault({}),
});

/** Settings of one workbench: `logomesh.yaml`, overridden by the environment. */
export interface Config {
  host: string;
  port: number;
  allowedHosts: readonly string[];
  logLevel: z.infer<typeof LogLevelSchema>;
  /** Folders below the workspace whose files are shared. */
  sharedFolders: readonly string[];
  /** A `registry.json` or a folder of plugins; relative to the workspace. */
  pluginRegistry: string;
  concurrency: z.infer<typeof ConcurrencySchema>;
  /** Where Ollama is looked for, without a trailing slash. */
  ollamaUrl: string;
  /** `--dev`: said by who starts the workbench, never by a file that something else could have written. */
  isDevelopment?: true;
}

export interface ConfigEnvironment {
  LOGOMESH_HOST?: string | undefined;
  LOGOMESH_PORT?: string | undefined;
  LOGOMESH_LOG?: string | undefined;
  OLLAMA_HOST?: string | undefined;
}

/**
 * Reads the settings of a workspace; a missing file means defaults.
 * @throws LogoMeshError LM_SETTINGS_INVALID that names the file with line and column, or the variable
 */
export function loadConfig({ file, environment }: { file: string; environment: ConfigEnvironment }): Config {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const settings = parseSettings(text, { file, schema: SettingsSchema });
  const { LOGOMESH_HOST, LOGOMESH_PORT, LOGOMESH_LOG, OLLAMA_HOST } = environment;
  return {
    host: given(LOGOMESH_HOST) ?? settings.host,
    port:
      parseVariable(
        { LOGOMESH_PORT },
        z
          .stringFormat("port", /^\d{1,5}$/)
          .transform(Number)
          .pipe(PortSchema),
      ) ?? settings.port,
    allowedHosts: settings.allowedHosts,
    sharedFolders: settings.devShellSandboxPaths,
    pluginRegistry: settings.pluginRegistry,
    concurrency: settings.concurrency,
    logLevel: parseVariable({ LOGOMESH_LOG }, z.string().toLowerCase().pipe(LogLevelSchema)) ?? settings.log,
    ollamaUrl: parseOllamaHost(OLLAMA_HOST),
  };
}
