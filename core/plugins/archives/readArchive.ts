import { PLUGIN_ARCHIVE_BYTES_MAX } from "@logomesh/contracts";
import { ArchiveFiles, type ArchiveFile } from "./archiveFiles.ts";
import { readTgz } from "./readTgz.ts";
import { readZip } from "./readZip.ts";

/**
 * The files of a `.tgz` or a zip (`.mcpb`), by what its first bytes say; nothing is written to the disk.
 * `name` is what errors call it, `manifestNames` the files of which a bundle has one at its root.
 *
 * @throws LogoMeshError LM_PLUGIN_BUNDLE_INVALID
 */
export async function readArchive(
  bytes: Uint8Array,
  { name, manifestNames }: { name: string; manifestNames: readonly string[] },
): Promise<ArchiveFile[]> {
  const files = new ArchiveFiles(name);
  if (bytes.byteLength > PLUGIN_ARCHIVE_BYTES_MAX)
    throw files.whole(`has ${bytes.byteLength} bytes; at most ${PLUGIN_ARCHIVE_BYTES_MAX} are read`);
  if (isTgz(bytes)) await readTgz(bytes, files);
  else if (isZip(bytes)) await readZip(bytes, files);
  else throw files.whole("is neither a .tgz nor a zip (.mcpb)");
  return files.take(manifestNames);
}

/** Whether something that begins so can be an archive. */
export function isArchive(bytes: Uint8Array): boolean {
  return isTgz(bytes) || isZip(bytes);
}

function isTgz(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}
