import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { LogoMeshError, type InputProblem, type PluginManifest } from "@logomesh/contracts";
import { createTemporaryFolder } from "./temporaryFolder.ts";
import { hashOf, readBundle } from "../bundle.ts";
import { openBundle } from "../bundleFolders.ts";
import { MANIFEST_FILE, assertEntryPoint, readManifest } from "../manifest.ts";

/** What a bundle is, or what is wrong with it. */
export interface BundleReport {
  manifest?: PluginManifest;
  sha256?: string;
  files?: number;
  bytes?: number;
  /** Nothing with these is installed. `file` is relative to the bundle. */
  problems: (InputProblem & { file?: string })[];
  /** It is installed all the same. */
  warnings: string[];
}

/** Reads a folder or an archive as an installation would; changes nothing. @throws LogoMeshError LM_NOT_FOUND */
export async function checkBundle(path: string): Promise<BundleReport> {
  using scratch = createTemporaryFolder();
  try {
    using bundle = await openBundle({ path }, scratch.path);
    const { folder } = bundle;
    const manifest = readManifest(folder);
    assertEntryPoint(folder, manifest);
    const files = readBundle(folder);
    const bytes = files.reduce((sum, { content }) => sum + content.byteLength, 0);
    const problems = missingPictures(folder, manifest);
    return {
      manifest,
      sha256: hashOf(files),
      files: files.length,
      bytes,
      problems,
      warnings: [...warningsOf(manifest), ...vendorWarnings(folder, manifest)],
    };
  } catch (error) {
    if (!(error instanceof LogoMeshError) || error.code === "LM_NOT_FOUND") throw error;
    const isManifest = error.code === "LM_PLUGIN_MANIFEST_INVALID";
    const problems = error.problems ?? [{ pointer: "", message: error.message }];
    return {
      problems: problems.map((problem) => ({ ...problem, ...(isManifest ? { file: MANIFEST_FILE } : {}) })),
      warnings: [],
    };
  }
}

function missingPictures(folder: string, { icon, screenshots = [] }: PluginManifest): BundleReport["problems"] {
  const named = [
    ...(icon === undefined ? [] : [{ pointer: "/icon", path: icon }]),
    ...screenshots.map((path, index) => ({ pointer: `/screenshots/${index}`, path })),
  ];
  return named
    .filter(({ path }) => statSync(join(folder, path), { throwIfNoEntry: false })?.isFile() !== true)
    .map(({ pointer, path }) => ({
      ...{ pointer, file: MANIFEST_FILE },
      message: `${JSON.stringify(path)} is no file of the bundle; add ${basename(path)} or remove the field`,
    }));
}

/** What a bundle of Python needs lies in it: nothing is fetched when it is installed. */
function vendorWarnings(folder: string, { runtime }: PluginManifest): string[] {
  const isThere = (name: string): boolean => existsSync(join(folder, name));
  if (runtime !== "python" || isThere("vendor")) return [];
  const listed = ["requirements.txt", "pyproject.toml"].find(isThere);
  if (listed === undefined) return [];
  const what = listed === "requirements.txt" ? "-r requirements.txt" : ".";
  return [
    `${listed} is here and no folder vendor: what the plugin needs has to lie in it. Put it there: python3 -m pip install --target vendor ${what}`,
  ];
}

function warningsOf(manifest: PluginManifest): string[] {
  const { tools, security_level: level, license, keywords = [] } = manifest;
  return [
    ...(Object.keys(tools).length === 0
      ? ["No tool is named in `tools`: each counts as `once`, and workflows ask a person before they repeat it."]
      : []),
    ...(level === "sandbox"
      ? []
      : [`security_level “${level}” asks to run outside of the sandbox; most workbenches refuse that.`]),
    ...(license === undefined ? ["No `license`: others do not know whether they may use it."] : []),
    ...(keywords.length === 0 ? ["No `keywords`: nobody finds it by searching."] : []),
  ];
}
