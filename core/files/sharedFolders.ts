import { LogoMeshError } from "@logomesh/contracts";
import { isWithin, parseFilePath } from "./filePath.ts";
import { Inode } from "./inode.ts";
import { notFound, refused } from "./refusals.ts";

// The walk. Each name is opened in the folder that the name before it gave, never following a link, so what stands at the end is what the
// path says, whoever swaps folders meanwhile. Its name is then asked of the kernel, because a folder that is held may have been moved.

/** Where a walk ended. */
export interface Place extends Disposable {
  inode: Inode;
  /** What the kernel calls it, relative to the workspace. */
  path: string;
  /** Names of the path that do not exist yet. */
  missing: readonly string[];
}

/** The folders of a workspace that are shared, held open by the workspace's own descriptor. */
export class SharedFolders implements Disposable {
  readonly #root: Inode;
  readonly #shared: readonly string[];

  /** @throws LogoMeshError LM_FILE_REFUSED when a shared folder is no relative path */
  constructor({ root, shared }: { root: string; shared: readonly string[] }) {
    shared.forEach(parseFilePath);
    this.#shared = shared;
    this.#root = Inode.openRoot(root);
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }

  /** Checks the spelling, and that it begins with a shared folder. @throws LogoMeshError LM_FILE_REFUSED */
  parse(path: string): string[] {
    const names = parseFilePath(path);
    this.#requireShared(path, path);
    return names;
  }

  /**
   * Goes as far as the path exists; a missing shared folder is LM_FILE_NOT_FOUND.
   * @throws LogoMeshError LM_FILE_NOT_FOUND, LM_FILE_REFUSED
   */
  walk(path: string): Place {
    const names = this.parse(path);
    const sharedDepth = this.#requireShared(path, path).split("/").length;
    let held: Inode | undefined;
    try {
      let mountId: string | undefined;
      let depth = 0;
      for (const name of names) {
        const next = openIfThere(held ?? this.#root, name, path);
        if (next === undefined) break;
        held?.[Symbol.dispose]();
        held = next;
        depth++;
        if (depth === sharedDepth) mountId = held.mountId();
      }
      if (held === undefined || mountId === undefined) throw notFound(path);
      if (held.mountId() !== mountId) throw refused(path, "mount", "it is on another mount than its shared folder");
      const missing = names.slice(depth);
      if (missing.length > 0) requireFolder(held, path);
      const inode = held;
      return { inode, path: this.#nameOf(inode, path), missing, [Symbol.dispose]: () => inode[Symbol.dispose]() };
    } catch (error) {
      held?.[Symbol.dispose]();
      throw error;
    }
  }

  /** @throws LogoMeshError LM_FILE_REFUSED when what is held is no longer where it was */
  requireStillAt(place: Place): void {
    if (this.#nameOf(place.inode, place.path) !== place.path) {
      throw refused(place.path, "moved", "its folder was moved meanwhile");
    }
  }

  #nameOf(inode: Inode, path: string): string {
    const root = this.#root.absolutePath(path);
    const absolute = inode.absolutePath(path);
    const name = absolute.startsWith(`${root}/`) ? absolute.slice(root.length + 1) : undefined;
    if (name === undefined) throw refused(path, "moved", "it was moved out of the workspace");
    this.#requireShared(name, path);
    return name;
  }

  #requireShared(name: string, path: string): string {
    const found = this.#shared.find((folder) => isWithin(name, folder));
    if (found === undefined) {
      throw refused(path, "outside", `it is outside the shared folders (${this.#shared.join(", ")})`);
    }
    return found;
  }
}

function openIfThere(folder: Inode, name: string, path: string): Inode | undefined {
  requireFolder(folder, path);
  try {
    return folder.openChild(name, path);
  } catch (error) {
    if (error instanceof LogoMeshError && error.code === "LM_FILE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** @throws LogoMeshError LM_FILE_REFUSED */
export function requireFolder(inode: Inode, path: string): void {
  if (inode.stats.isSymbolicLink()) throw refused(path, "link", "part of it is a symbolic link");
  if (!inode.isFolder) throw refused(path, "kind", "part of it is no folder");
}
