import { linkSync, readFileSync, renameSync, lstatSync, unlinkSync } from "node:fs";
import { sha256Hex } from "../base/index.ts";

// The step that cannot be taken back, and how it is taken back all the same. Between the last look at a file and the moment in which another
// takes its name, somebody may have written to it: Node.js has no exchange of two names. So what is replaced keeps a second name, is
// compared once it has lost its own, and gets it back when it is not what was judged. All in one turn: nothing of this process comes between.

/** Paths in one folder that is held. */
export interface PlaceNames {
  name: string;
  /** Where what is replaced stays until it was compared. */
  aside: string;
}

/**
 * Puts `from` in the place of a file that held these bytes. False: it held something else, and holds it still.
 * @throws Error of the system; EEXIST when something else took the name while it was given back: then what it was is at `aside`
 */
export function takePlace(from: string, { name, aside }: PlaceNames, heldSha256: string): boolean {
  if (!linkAside(name, aside)) {
    renameSync(from, name);
    return true;
  }
  if (!holds(aside, heldSha256)) {
    unlinkSync(aside);
    return false;
  }
  const { ino } = lstatSync(from);
  renameSync(from, name);
  const isSame = holds(aside, heldSha256);
  // What took its place since then is somebody else's, and stays.
  if (!isSame && lstatSync(name, { throwIfNoEntry: false })?.ino === ino) {
    renameSync(aside, name);
    return false;
  }
  if (isSame) unlinkSync(aside);
  else throw Object.assign(new Error("the name was taken"), { code: "EEXIST" });
  return true;
}

/** Takes away a file that held these bytes. False: it held something else, and holds it still. @throws as `takePlace` */
export function leavePlace({ name, aside }: PlaceNames, heldSha256: string): boolean {
  renameSync(name, aside);
  if (!holds(aside, heldSha256)) {
    linkSync(aside, name);
    unlinkSync(aside);
    return false;
  }
  unlinkSync(aside);
  return true;
}

/** False where the file system has no second names: there the last look is all there is. */
function linkAside(name: string, aside: string): boolean {
  try {
    linkSync(name, aside);
    return true;
  } catch (error) {
    if (["EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return false;
    throw error;
  }
}

function holds(path: string, sha256: string): boolean {
  const stats = lstatSync(path);
  return stats.isFile() && sha256Hex(readFileSync(path)) === sha256;
}
