import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { LogoMeshError, RegistrySchema, type RegistryEntry } from "@logomesh/contracts";
import { messageOf } from "../../base/index.ts";
import { MANIFEST_FILE, readManifest } from "../manifest.ts";

const INDEX_FILE = "registry.json";
const INDEX_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Plugins of a local registry that have every word of the query in id, name, description or keywords; the best known first. A registry is a
 * `registry.json`, a folder with one, or a folder of plugins. Sources come back as absolute paths.
 *
 * @throws LogoMeshError LM_NOT_FOUND, LM_INPUT_INVALID
 */
export function searchRegistry(path: string, query: string): RegistryEntry[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return readRegistry(path)
    .filter((entry) => {
      const text = [entry.id, entry.name, entry.description, ...entry.keywords].join("\n").toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .sort((a, b) => scoreOf(b) - scoreOf(a) || b.installs - a.installs || (a.id < b.id ? -1 : 1));
}

/** The mean, pulled towards three stars while few have voted. */
function scoreOf({ rating }: RegistryEntry): number {
  const { mean, count } = rating ?? { mean: 3, count: 0 };
  return (mean * count + 3 * 5) / (count + 5);
}

function readRegistry(path: string): RegistryEntry[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new LogoMeshError("LM_NOT_FOUND", `There is no registry at ${path}.`);
  const index = stats.isDirectory() ? join(path, INDEX_FILE) : path;
  if (stats.isDirectory() && !existsSync(index)) return readFolder(path);
  if (statSync(index).size > INDEX_BYTES_MAX)
    throw new LogoMeshError("LM_INPUT_INVALID", `${index} has more than ${INDEX_BYTES_MAX} bytes.`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(index, "utf8"));
  } catch (error) {
    throw new LogoMeshError("LM_INPUT_INVALID", `${index} is not JSON: ${messageOf(error)}.`);
  }
  const parsed = RegistrySchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.map(String).join("/") ?? "";
    throw new LogoMeshError("LM_INPUT_INVALID", `${index} /${where}: ${issue?.message ?? "is not valid"}.`);
  }
  const folder = dirname(index);
  return parsed.data.plugins.map((entry) => ({
    ...entry,
    versions: entry.versions.map((each) => ({ ...each, source: resolve(folder, each.source) })),
  }));
}

/** What is no plugin is passed over: the folder may hold other things. */
function readFolder(path: string): RegistryEntry[] {
  return readdirSync(path).flatMap((name) => {
    const source = join(path, name);
    if (!existsSync(join(source, MANIFEST_FILE))) return [];
    try {
      const manifest = readManifest(source);
      const { author, license, keywords = [] } = manifest;
      return [
        {
          ...{ id: manifest.id, name: manifest.name, description: manifest.description, keywords, installs: 0 },
          versions: [{ version: manifest.version, source }],
          ...(author === undefined ? {} : { author }),
          ...(license === undefined ? {} : { license }),
        },
      ];
    } catch (error) {
      if (error instanceof LogoMeshError) return [];
      throw error;
    }
  });
}
