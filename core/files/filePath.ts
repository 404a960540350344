import { refused } from "./refusals.ts";

/** Linux' NAME_MAX. */
const NAME_BYTES_MAX = 255;
/** Linux' PATH_MAX, without its terminating NUL. */
const PATH_BYTES_MAX = 4095;
/** Folders open at once while a path is walked; deeper trees than this are not written by people. */
const DEPTH_MAX = 64;

/**
 * Names of a relative path with `/`, one spelling for each file: no empty name, no `.`, no `..`, no NUL.
 * @throws LogoMeshError LM_FILE_REFUSED
 */
export function parseFilePath(path: string): string[] {
  if (path === "") throw refused(path, "path", "it is empty");
  if (path.startsWith("/")) throw refused(path, "path", "it is absolute, give it relative to the workspace");
  if (path.includes("\0")) throw refused(path, "path", "it holds a NUL character");
  if (!path.isWellFormed()) throw refused(path, "path", "it is not well-formed Unicode");
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw refused(path, "path", `it is longer than ${PATH_BYTES_MAX} bytes`);
  }
  const names = path.split("/");
  if (names.length > DEPTH_MAX) throw refused(path, "path", `it is more than ${DEPTH_MAX} names deep`);
  for (const name of names) {
    if (name === "") throw refused(path, "path", "it holds an empty name (a double or trailing slash)");
    if (name === "." || name === "..") throw refused(path, "path", `it holds the name “${name}”`);
    if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
      throw refused(path, "path", `a name in it is longer than ${NAME_BYTES_MAX} bytes`);
    }
  }
  return names;
}

/** Characters that can make a name look like another one, or like a line of a patch. */
const HIDDEN = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

/** A name that a person can read in a diff; files that exist may be called anything. @throws LogoMeshError LM_FILE_REFUSED */
export function requirePlainNames(path: string): void {
  if (HIDDEN.test(path)) throw refused(path, "path", "a new name must not hold control or invisible characters");
}

/** Whether `path` is `folder` or below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
