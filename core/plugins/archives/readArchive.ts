import { ARCHIVE_BYTES_MAX, ArchiveFiles, type ArchiveFile } from "./archiveFiles.ts";
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
  if (bytes.byteLength > ARCHIVE_BYTES_MAX)
    throw files.whole(`has ${bytes.byteLength} bytes; at most ${ARCHIVE_BYTES_MAX} are read`);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) await readTgz(bytes, files);
  else if (bytes[0] === 0x50 && bytes[1] === 0x4b) await readZip(bytes, files);
  else throw files.whole("is neither a .tgz nor a zip (.mcpb)");
  return files.take(manifestNames);
}
