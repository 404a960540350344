import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, type PluginManifest } from "@logomesh/contracts";
import { isIntact, stageBundle, type StagedBundle } from "./bundle.ts";
import { eraFileOf } from "./knownEras.ts";
import { assertEntryPoint, readManifest } from "./manifest.ts";
import { TOOLS_FILE } from "./toolApproval.ts";

export interface StagedPlugin extends StagedBundle {
  manifest: PluginManifest;
}

/** Copies the folder of a plugin and reads the copy. @throws LogoMeshError LM_PLUGIN_BUNDLE_INVALID, LM_PLUGIN_MANIFEST_INVALID */
export function stagePlugin(options: { source: string; stagingFolder: string; pluginId: string }): StagedPlugin {
  const staged = stageBundle(options);
  // What was hashed is what counts: the source may have changed since it was found.
  const manifest = readManifest(staged.folder);
  if (manifest.id !== options.pluginId)
    throw new LogoMeshError(
      "LM_PLUGIN_BUNDLE_INVALID",
      `${options.source} changed while it was being copied; try again.`,
    );
  assertEntryPoint(staged.folder, manifest);
  return { ...staged, manifest };
}

/** A copy that was made before; undefined when it is not there or was changed. */
export function openCopy(options: {
  stagingFolder: string;
  pluginId: string;
  sha256: string;
}): StagedPlugin | undefined {
  const { sha256 } = options;
  const folder = join(options.stagingFolder, options.pluginId, sha256);
  return isIntact(folder, sha256) ? { sha256, folder, manifest: readManifest(folder) } : undefined;
}

/** Removes the copies of a plugin that nothing runs and no grant names, with what is known of them. */
export function pruneCopies(options: { stagingFolder: string; pluginId: string; keep: readonly string[] }): void {
  const folder = join(options.stagingFolder, options.pluginId);
  if (!existsSync(folder)) return;
  const kept = [TOOLS_FILE, ...options.keep.flatMap((sha256) => [sha256, eraFileOf(sha256)])];
  for (const name of readdirSync(folder))
    if (!kept.includes(name)) rmSync(join(folder, name), { recursive: true, force: true });
}
