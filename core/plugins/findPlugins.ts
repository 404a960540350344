import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import { toLogoMeshError } from "../base/index.ts";
import { readManifest } from "./manifest.ts";

/** Folders that are looked at. */
const PLUGINS_MAX = 500;

export interface FoundPlugin {
  folder: string;
  id: string;
}

export interface InvalidFolder {
  folder: string;
  error: LogoMeshError;
}

/** Every folder below the plugins folder in the order of names: a plugin, or why it is none. Two of one id are both none. */
export function findPlugins(pluginsFolder: string): { found: FoundPlugin[]; invalid: InvalidFolder[] } {
  const invalid: InvalidFolder[] = [];
  const foldersById = new Map<string, string[]>();
  for (const folder of listFolders(pluginsFolder)) {
    try {
      const { id } = readManifest(folder);
      foldersById.set(id, [...(foldersById.get(id) ?? []), folder]);
    } catch (error) {
      invalid.push({ folder, error: toLogoMeshError(error) });
    }
  }
  const found: FoundPlugin[] = [];
  for (const [id, folders] of foldersById) {
    const [folder] = folders;
    if (folders.length === 1 && folder !== undefined) {
      found.push({ id, folder });
      continue;
    }
    const detail = `${id} is in ${folders.join(" and in ")}. Remove one of them or change its id.`;
    const error = new LogoMeshError("LM_PLUGIN_DUPLICATE", detail, { data: { id, folders } });
    invalid.push(...folders.map((each) => ({ folder: each, error })));
  }
  return { found, invalid };
}

function listFolders(parent: string): string[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => join(parent, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    .slice(0, PLUGINS_MAX);
}
