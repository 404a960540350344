import { existsSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, type Page, type PageQuery, type RegistryEntry } from "@logomesh/contracts";
import { systemClock } from "../base/index.ts";
import type { BundleReport, PackedBundle, TestBundleResult } from "../plugins/toolkit/index.ts";
import type { Logger } from "../ports/index.ts";
import { sdkFolders } from "./sdkFolders.ts";
import { REPOSITORY } from "./workspace.ts";

// What authors of plugins do without a workbench. Loaded when it is called: most commands do none of it.

/** Folders of templates/plugins. */
export const PLUGIN_TEMPLATES = ["node-ts", "python", "shell"] as const;
type PluginTemplate = (typeof PLUGIN_TEMPLATES)[number];

/** Makes a plugin that runs at once, in a missing or empty folder. @throws LogoMeshError LM_CONFLICT, LM_PLUGIN_MANIFEST_INVALID */
export async function createPluginFolder(options: {
  template: PluginTemplate;
  folder: string;
  id?: string;
}): Promise<{ id: string; files: string[] }> {
  const { createPlugin } = await import("../plugins/toolkit/index.ts");
  return createPlugin({ ...options, template: join(REPOSITORY, "templates/plugins", options.template) });
}

/** Reads a folder or an archive as an installation would. @throws LogoMeshError LM_NOT_FOUND */
export async function checkPlugin(path: string): Promise<BundleReport> {
  const { checkBundle } = await import("../plugins/toolkit/index.ts");
  return checkBundle(path);
}

/** The same files give the same bytes. @throws LogoMeshError LM_PLUGIN_BUNDLE_INVALID, LM_PLUGIN_MANIFEST_INVALID */
export async function packPlugin(folder: string, format: "tgz" | "mcpb"): Promise<PackedBundle> {
  const { packBundle } = await import("../plugins/toolkit/index.ts");
  return packBundle(folder, format);
}

/**
 * Makes a bundle in an empty folder of a package of npm: `npm:<name>@<version>`, or a server of an `mcpServers` block. Nothing of it runs.
 * @returns the id of the plugin. @throws LogoMeshError LM_INPUT_INVALID, LM_PLUGIN_IMPORT
 */
export async function importServer(options: {
  source: { npm: string; args: readonly string[] } | { mcpServers: string; server: string | undefined };
  folder: string;
  signal: AbortSignal;
}): Promise<string> {
  const { importNpm, readMcpServers } = await import("../plugins/toolkit/index.ts");
  const { source, folder, signal } = options;
  if ("npm" in source) return importNpm({ spec: source.npm, args: source.args, folder, signal });
  return importNpm({ ...readMcpServers(source.mcpServers, source.server), folder, signal });
}

/** Plugins of a local registry by words, the best known first. @throws LogoMeshError LM_NOT_FOUND, LM_INPUT_INVALID */
export async function searchPlugins(registry: string, query: string): Promise<RegistryEntry[]> {
  const { searchRegistry } = await import("../plugins/toolkit/index.ts");
  return searchRegistry(registry, query);
}

/** The same page by page, of the registry that the settings name. @throws LogoMeshError LM_NOT_FOUND, LM_INPUT_INVALID */
export async function searchRegistryPage(
  registry: string,
  { q, limit, cursor }: PageQuery & { q: string },
): Promise<Page<RegistryEntry>> {
  if (!existsSync(registry))
    throw new LogoMeshError(
      "LM_NOT_FOUND",
      `There is no registry at ${registry}. Put a registry.json or bundles there, or name another with pluginRegistry in logomesh.yaml.`,
    );
  const found = await searchPlugins(registry, q);
  const from = Number(cursor ?? 0);
  if (!Number.isInteger(from) || from < 0) throw new LogoMeshError("LM_INPUT_INVALID", "The cursor is none of a list.");
  const to = from + limit;
  return { items: found.slice(from, to), nextCursor: to < found.length ? String(to) : null };
}

/** Runs the tests of a plugin in a sandbox like the one it will run in. @throws LogoMeshError LM_NOT_FOUND, LM_TIMEOUT, LM_TOO_LARGE, LM_INPUT_INVALID, LM_PLUGIN_* */
export async function testPluginFolder(options: {
  folder: string;
  onOutput: (text: string) => void;
  /** Of all tests together; default: two minutes. */
  timeoutMs?: number;
  signal: AbortSignal;
  logger: Logger;
}): Promise<TestBundleResult> {
  const { createBubblewrapSandbox, pythonCandidates } = await import("../plugins/index.ts");
  const { testBundle } = await import("../plugins/toolkit/index.ts");
  using sandbox = createBubblewrapSandbox({
    ...{ logger: options.logger, clock: systemClock, nodePath: process.execPath },
    pythonCandidates: pythonCandidates(process.env),
  });
  return await testBundle({ ...options, clock: systemClock, sandbox, ...sdkFolders() });
}
