import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";

// What was approved is what runs: a plugin's folder is read once, hashed, and copied to a folder named by that hash; the copy is what a
// sandbox mounts. The hash covers paths, contents and executable bits, in the order of the paths.

/** Larger bundles carry data that belongs elsewhere. */
export const BUNDLE_FILES_MAX = 10_000;
export const BUNDLE_BYTES_MAX = 256 * 1024 * 1024;
export const BUNDLE_DEPTH_MAX = 32;
/** Left-overs of tools; they are no part of a plugin. */
const LEFT_OUT = new Set([".git", "__pycache__", ".DS_Store"]);

export interface BundleFile {
  /** With `/`, relative to the bundle. */
  path: string;
  content: Buffer;
  isExecutable: boolean;
}

export interface StagedBundle {
  sha256: string;
  /** The copy; a fresh one when it was missing or had been changed. */
  folder: string;
}

/** @throws LogoMeshError LM_PLUGIN_BUNDLE_INVALID */
export function stageBundle(options: { source: string; stagingFolder: string; pluginId: string }): StagedBundle {
  const files = readBundle(options.source);
  const sha256 = hashOf(files);
  const folder = join(options.stagingFolder, options.pluginId, sha256);
  if (existsSync(folder)) {
    if (isIntact(folder, sha256)) return { sha256, folder };
    rmSync(folder, { recursive: true, force: true });
  }
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  const unfinished = `${folder}.${process.pid}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o755 });
  for (const file of files) {
    const target = join(unfinished, file.path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    copyFileSync(join(options.source, file.path), target);
    chmodSync(target, file.isExecutable ? 0o755 : 0o644);
  }
  // The source may have changed between reading and copying; the copy must be what was hashed.
  if (!isIntact(unfinished, sha256)) {
    rmSync(unfinished, { recursive: true, force: true });
    throw invalid(options.source, "changed while it was being copied; try again");
  }
  renameSync(unfinished, folder);
  return { sha256, folder };
}

/** Whether the folder is there and holds what the hash says. */
export function isIntact(folder: string, sha256: string): boolean {
  try {
    return hashOf(readBundle(folder)) === sha256;
  } catch {
    return false;
  }
}

export function hashOf(files: readonly BundleFile[]): string {
  const hash = createHash("sha256");
  for (const { path, content, isExecutable } of files) {
    // Lengths before contents: no two bundles give the same bytes.
    hash.update(`${Buffer.byteLength(path)}:${path}:${isExecutable ? "x" : "-"}:${content.byteLength}:`);
    hash.update(content);
  }
  return hash.digest("hex");
}

/** In the order of names. @throws LogoMeshError LM_PLUGIN_BUNDLE_INVALID */
export function readBundle(root: string): BundleFile[] {
  const files: BundleFile[] = [];
  let bytes = 0;
  const visit = (folder: string, depth: number): void => {
    if (depth > BUNDLE_DEPTH_MAX) throw invalid(folder, `is more than ${BUNDLE_DEPTH_MAX} folders deep`);
    for (const name of readdirSync(folder).sort()) {
      if (LEFT_OUT.has(name)) continue;
      const path = join(folder, name);
      const real = resolveInside(root, path);
      const stats = lstatSync(real);
      if (stats.isDirectory()) {
        if (lstatSync(path).isSymbolicLink())
          throw invalid(path, "is a link to a folder; bundles hold files and folders only");
        visit(path, depth + 1);
        continue;
      }
      if (!stats.isFile()) throw invalid(path, "is neither a file nor a folder");
      bytes += stats.size;
      if (files.length >= BUNDLE_FILES_MAX) throw invalid(root, `holds more than ${BUNDLE_FILES_MAX} files`);
      if (bytes > BUNDLE_BYTES_MAX) throw invalid(root, `holds more than ${BUNDLE_BYTES_MAX} bytes`);
      const content = readFileSync(real);
      files.push({
        path: relative(root, path).split(sep).join("/"),
        content,
        isExecutable: (stats.mode & 0o111) !== 0,
      });
    }
  };
  visit(root, 0);
  return files;
}

/** A link inside the bundle is read as what it points to. */
function resolveInside(root: string, path: string): string {
  if (!lstatSync(path).isSymbolicLink()) return path;
  const realRoot = realpathSync(root);
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw invalid(path, "is a link to nothing");
  }
  if (!real.startsWith(`${realRoot}${sep}`)) throw invalid(path, "is a link that leaves the bundle");
  return real;
}

function invalid(path: string, fault: string): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_BUNDLE_INVALID", `${path} ${fault}.`, { data: { path } });
}
