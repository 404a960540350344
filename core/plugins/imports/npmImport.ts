import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { LogoMeshError } from "@logomesh/contracts";
import { messageOf } from "../../base/index.ts";
import { MANIFEST_FILE } from "../manifest.ts";
import { importedManifest } from "./importedManifest.ts";

// A package of npm that is an MCP server, as a plugin. The npm client fetches and unpacks it with what it needs; nothing of it runs, not
// even an install script, before a person granted the plugin, and then in the sandbox only.

const INSTALL_MS_MAX = 300_000;
const OUTPUT_BYTES_MAX = 10 * 1024 * 1024;
/** Name and version as npm takes them: no flags, no paths, no addresses. */
const PACKAGE = /^((?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*)(?:@([\w.^~+-]+))?$/i;

const PackageSchema = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string().default(""),
  bin: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
  main: z.string().optional(),
  license: z.string().optional(),
  keywords: z.array(z.string()).optional(),
});

export interface NpmImportOptions {
  /** `@scope/name@1.2.3`; without a version the newest. */
  spec: string;
  /** What the server is started with. */
  args: readonly string[];
  environment?: readonly string[];
  /** An empty folder that becomes the bundle. */
  folder: string;
  signal: AbortSignal;
  /** Default: the npm of the PATH. */
  npm?: string;
}

/** @returns the id of the plugin. @throws LogoMeshError LM_INPUT_INVALID, LM_PLUGIN_IMPORT */
export async function importNpm(options: NpmImportOptions): Promise<string> {
  const { spec, args, environment = [], folder } = options;
  const [, name] = PACKAGE.exec(spec) ?? [];
  if (name === undefined)
    throw new LogoMeshError("LM_INPUT_INVALID", `${JSON.stringify(spec)} is no package; write npm:<name>@<version>.`);
  await fetchPackage(options);
  const home = join("node_modules", name);
  const found = PackageSchema.safeParse(JSON.parse(readFileSync(join(folder, home, "package.json"), "utf8")));
  if (!found.success) throw importError(`${spec} has a package.json that cannot be used: ${messageOf(found.error)}`);
  const entryPoint = entryOf(found.data, spec);
  const manifest = importedManifest({
    id: ["npm", ...name.replace("@", "").split("/")],
    ...{ name, version: found.data.version, runtime: "nodejs", args, environment, tools: [] },
    description: found.data.description || `The npm package ${name}.`,
    entryPoint: join(home, entryPoint),
    ...(found.data.license === undefined ? {} : { license: found.data.license }),
    ...(found.data.keywords === undefined ? {} : { keywords: found.data.keywords }),
  });
  writeFileSync(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  return typeof manifest.id === "string" ? manifest.id : "";
}

async function fetchPackage({ spec, folder, signal, npm = "npm" }: NpmImportOptions): Promise<void> {
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--omit=optional", "--no-bin-links"];
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  try {
    await promisify(execFile)(npm, ["install", ...flags, "--prefix", folder, "--", spec], {
      ...{ cwd: folder, signal, timeout: INSTALL_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX },
    });
  } catch (error) {
    signal.throwIfAborted();
    const { stderr = "" } = error as { stderr?: string };
    const lines = stderr.split("\n").filter((line) => line !== "");
    throw importError(`npm did not fetch ${spec}: ${lines.slice(0, 5).join(" ") || messageOf(error)}`);
  }
  // What npm keeps for itself; ours says what was installed.
  for (const file of ["package.json", "package-lock.json", "node_modules/.package-lock.json"])
    rmSync(join(folder, file), { force: true });
}

function entryOf({ bin, main, name }: z.infer<typeof PackageSchema>, spec: string): string {
  const short = name.split("/").at(-1) ?? name;
  const entry = typeof bin === "string" ? bin : (bin?.[short] ?? Object.values(bin ?? {})[0] ?? main);
  if (entry === undefined)
    throw importError(`${spec} has neither a bin nor a main in its package.json: it is no server`);
  return entry;
}

function importError(what: string): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_IMPORT", `${what}.`);
}
