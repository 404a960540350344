import { mkdirSync, realpathSync, statSync } from "node:fs";
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { LogoMeshError, PluginPermissionsSchema, type JsonObject } from "@logomesh/contracts";

// What of the host a plugin was granted that says how it is started: variables, a folder of its own, folders of the workspace. Nothing
// here is taken from the manifest: the grant says what it may be.

const MIB = 1024 * 1024;
/** Of a folder that is mounted; each entry is asked of the policy. */
const ENTRIES_MAX = 10_000;

export interface GrantedResources {
  environment: Record<string, string>;
  data?: { folder: string; bytesMax: number };
  /** Host folders by their path inside, `/work/<name>`. */
  mounts: Record<string, string>;
  /** Some hosts were granted by way of the proxy. */
  network?: "proxied";
  /** What is given may hold private data: files of the workspace. Whether its own folder does is known elsewhere. */
  isPrivate: boolean;
}

export interface OpenResourcesOptions {
  pluginId: string;
  /** Of the grant. */
  permissions: JsonObject;
  settings: JsonObject;
  /** What the workspace keeps under the name of a variable. */
  secret: (name: string) => string | undefined;
  workspaceFolder: string;
  dataFolder: string;
  /** Asks whether the plugin may read what is mounted: a path of the workspace. @throws LogoMeshError LM_POLICY_DENIED */
  authorize: (path: string) => void;
}

/** @throws LogoMeshError LM_PLUGIN_MOUNT_REFUSED, LM_POLICY_DENIED */
export async function openResources(options: OpenResourcesOptions): Promise<GrantedResources> {
  const { pluginId, dataFolder, settings, secret } = options;
  const granted = PluginPermissionsSchema.parse(options.permissions);
  const mounts: Record<string, string> = {};
  for (const { path } of granted["fs.mount"] ?? [])
    mounts[`/work/${path.split("/").at(-1) ?? path}`] = await checkMount(path, options);
  const data = granted["fs.data"];
  return {
    environment: Object.fromEntries(
      (granted.env ?? []).flatMap(({ name, default: otherwise }) => {
        const value = settings[name] ?? secret(name) ?? otherwise;
        return value === undefined ? [] : [[name, textOf(value)]];
      }),
    ),
    mounts,
    ...(granted["net.fetch"]?.some(({ via }) => via === "proxy") === true ? { network: "proxied" } : {}),
    isPrivate: Object.keys(mounts).length > 0,
    ...(data === undefined ? {} : { data: { folder: makeFolder(dataFolder, pluginId), bytesMax: data.max_mb * MIB } }),
  };
}

/** NUL ends a variable, and with it would end the option that carries it. */
function textOf(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.replaceAll("\0", "").toWellFormed();
}

function makeFolder(dataFolder: string, pluginId: string): string {
  const folder = join(dataFolder, pluginId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The real path of a folder that may be mounted with everything in it. */
async function checkMount(path: string, { workspaceFolder, authorize }: OpenResourcesOptions): Promise<string> {
  const root = realpathSync(workspaceFolder);
  const folder = join(root, path);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw refused(path, "is no folder of the workspace; make it, or do not grant it");
  if (realpathSync(folder) !== folder) throw refused(path, "is reached through a link; name the folder itself");
  authorize(path);
  const pending = [path];
  let entries = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for await (const entry of await opendir(join(root, next))) {
      const inner = `${next}/${entry.name}`;
      entries += 1;
      if (entries > ENTRIES_MAX)
        throw refused(path, `holds more than ${ENTRIES_MAX} files and folders; grant one further down`);
      // Links lead to what is there inside of the sandbox, never to the host's files.
      if (entry.isSymbolicLink()) continue;
      authorize(inner);
      if (entry.isDirectory()) pending.push(inner);
      else await checkFile(path, { file: join(root, inner), inner });
    }
  }
  return folder;
}

async function checkFile(path: string, { file, inner }: { file: string; inner: string }): Promise<void> {
  const stats = await lstat(file);
  if (!stats.isFile())
    throw refused(
      path,
      `holds ${inner}, which is no file: a socket or pipe can be written to through a read-only folder`,
    );
  if (stats.nlink > 1) throw refused(path, `holds ${inner}, a file with a second name that may lie elsewhere; copy it`);
}

function refused(path: string, why: string): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_MOUNT_REFUSED", `${path} ${why}.`, { data: { path } });
}
