import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * Deletes a folder that somebody hostile filled: it may be deeper than a path is long or descriptors are many, and closed to its owner.
 * What lies deeper is moved up first, so that nothing is opened below the second level. Links are deleted, not followed.
 */
export async function removeTree(folder: string): Promise<void> {
  const scratch = `${folder}.removing`;
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  // Left over from a removal that did not end.
  const left = await readdir(scratch);
  let count = left.reduce((highest, name) => Math.max(highest, Number(name) + 1), 0);
  const pending = left.map((name) => join(scratch, name));
  const lift = async (from: string): Promise<void> => {
    const to = join(scratch, String(count++));
    // Moving a folder changes it, which its owner needs the permission for.
    await chmod(from, 0o700);
    await rename(from, to);
    pending.push(to);
  };
  if (existsSync(folder)) await lift(folder);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true })) {
      const path = join(next, entry.name);
      await (entry.isDirectory() ? lift(path) : unlink(path));
    }
    await rmdir(next);
  }
  await rmdir(scratch);
}
