import type { FileHandle } from "node:fs/promises";
import type { Inode } from "./inode.ts";
import { refused, tooLarge } from "./refusals.ts";

/** One file that is read; a caller may ask for less. Its bytes are held in memory. */
export const FILE_BYTES_MAX = 16 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;

/** @throws LogoMeshError LM_FILE_REFUSED unless it is a regular file that has one name */
export function requireFile(inode: Inode, path: string): void {
  const { stats } = inode;
  if (stats.isSymbolicLink()) throw refused(path, "link", "it is a symbolic link");
  if (stats.isDirectory()) throw refused(path, "kind", "it is a folder");
  if (!stats.isFile()) throw refused(path, "kind", "it is no regular file but a device, a FIFO or a socket");
  if (stats.nlink !== 1) throw refused(path, "names", `it has ${stats.nlink} names (hard links), it must have one`);
}

/** The bytes of a file that `requireFile` let through. @throws LogoMeshError LM_TOO_LARGE, LM_FILE_REFUSED */
export async function readBytes(
  inode: Inode,
  { path, bytesMax, name }: { path: string; bytesMax: number; name: string },
): Promise<Uint8Array> {
  // A sparse file is refused by the size that it claims, before it is read.
  if (inode.stats.size > bytesMax) {
    throw tooLarge(path, { bytes: String(inode.stats.size), limit: bytesMax, name });
  }
  await using handle = await inode.openBytes(path);
  const chunks: Buffer[] = [];
  let length = 0;
  // A file may grow while it is read; more than the limit is never held.
  for (;;) {
    const chunk = await readChunk(handle, Math.min(CHUNK_BYTES, bytesMax + 1 - length));
    if (chunk.length === 0) return Buffer.concat(chunks, length);
    length += chunk.length;
    if (length > bytesMax) throw tooLarge(path, { bytes: `more than ${bytesMax}`, limit: bytesMax, name });
    chunks.push(chunk);
  }
}

async function readChunk(handle: FileHandle, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  const { bytesRead } = await handle.read(buffer, 0, bytes, null);
  return buffer.subarray(0, bytesRead);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text exactly as the bytes say, byte order mark included. @throws LogoMeshError LM_FILE_REFUSED */
export function decodeText(bytes: Uint8Array, path: string): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw refused(path, "text", "it is not UTF-8 text, and only text can be proposed and reviewed");
  }
  requireText(text, path);
  return text;
}

/** @throws LogoMeshError LM_FILE_REFUSED */
export function requireText(text: string, path: string): void {
  if (!text.isWellFormed()) throw refused(path, "text", "its new text is not well-formed Unicode");
  if (text.includes("\0"))
    throw refused(path, "text", "a NUL character makes it binary, and only text can be proposed");
}
