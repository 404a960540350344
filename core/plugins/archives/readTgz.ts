import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { messageOf, toLogoMeshError } from "../../base/index.ts";
import { BUNDLE_BYTES_MAX, BUNDLE_FILES_MAX } from "../bundle.ts";
import type { ArchiveFiles } from "./archiveFiles.ts";

/** Contents, and for each entry its header, its padding and a longer header where the path needs one. */
const TAR_BYTES_MAX = BUNDLE_BYTES_MAX + BUNDLE_FILES_MAX * 4 * 512;
const FILE_TYPES: ReadonlySet<string> = new Set(["File", "OldFile", "ContiguousFile"]);
const FOLDER_TYPES: ReadonlySet<string> = new Set(["Directory", "GNUDumpDir"]);

/** Reads a gzipped tar into memory; the unpacked size is bounded while it is unpacked. */
export async function readTgz(bytes: Uint8Array, files: ArchiveFiles): Promise<void> {
  let tar: Buffer;
  try {
    tar = await promisify(gunzip)(bytes, { maxOutputLength: TAR_BYTES_MAX });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw files.whole(
      isTooLarge ? `unpacks to more than ${BUNDLE_BYTES_MAX} bytes` : `is no gzip file: ${messageOf(error)}`,
    );
  }
  await new Promise<void>((resolve, reject) => {
    const parser = new Parser({
      strict: true,
      onReadEntry: (entry) => {
        try {
          takeEntry(entry, files);
        } catch (error) {
          reject(toLogoMeshError(error));
          entry.resume();
        }
      },
    });
    parser.on("error", (error: unknown) => reject(files.whole(`is no tar file: ${messageOf(error)}`)));
    parser.on("end", resolve);
    parser.end(tar);
  });
}

function takeEntry(entry: ReadEntry, files: ArchiveFiles): void {
  const { type, size, mode = 0 } = entry;
  const isFolder = FOLDER_TYPES.has(type);
  if (!isFolder && !FILE_TYPES.has(type))
    throw files.fault(entry.path, `is a ${type}; bundles hold files and folders only`);
  const isRoot = isFolder && /^(\.\/?)+$/.test(entry.path);
  if (isRoot) {
    entry.resume();
    return;
  }
  const path = files.admit(entry.path, { isFolder, bytes: size });
  if (isFolder) {
    entry.resume();
    return;
  }
  const chunks: Buffer[] = [];
  entry.on("data", (chunk: Buffer) => chunks.push(chunk));
  entry.on("end", () => files.add({ path, content: Buffer.concat(chunks), isExecutable: (mode & 0o111) !== 0 }));
}
