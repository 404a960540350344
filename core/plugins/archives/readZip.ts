import { promisify } from "node:util";
import { crc32, inflateRaw } from "node:zlib";
import type { ArchiveFiles } from "./archiveFiles.ts";

// Reads a zip by its central directory (APPNOTE 6.3.9, 4.3): what most readers believe. The local headers must say the same names, and no
// two entries may share bytes, because a reader that believes the other one would see another bundle, and overlapping entries are how
// small files unpack to terabytes. Libraries hide the modes, and with them the links; hence our own reader.

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const COMMENT_BYTES_MAX = 0xffff;
const STORED = 0;
const DEFLATED = 8;
const MODE_TYPE = 0o170000;
const MODE_FILE = 0o100000;
const MODE_FOLDER = 0o040000;
const UNIX = 3;

interface ZipEntry {
  name: string;
  method: number;
  crc: number;
  packedBytes: number;
  bytes: number;
  /** Undefined unless it was packed on Unix. */
  mode: number | undefined;
  /** Of the local header. */
  offset: number;
}

export async function readZip(bytes: Uint8Array, files: ArchiveFiles): Promise<void> {
  const zip = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wanted: { entry: ZipEntry; path: string; start: number }[] = [];
  const spans: { start: number; end: number; name: string }[] = [];
  for (const entry of readDirectory(zip, files)) {
    const { name, packedBytes, offset, mode, bytes: size } = entry;
    const isFolder = name.endsWith("/");
    const type = (mode ?? 0) & MODE_TYPE;
    if (type !== 0 && type !== (isFolder ? MODE_FOLDER : MODE_FILE))
      throw files.fault(name, "is a link or a device; bundles hold files and folders only");
    if (isFolder && size > 0) throw files.fault(name, "is a folder with content");
    const path = files.admit(name, { isFolder, bytes: size });
    const start = dataStart(zip, entry, files);
    spans.push({ start: offset, end: start + packedBytes, name });
    if (!isFolder) wanted.push({ entry, path, start });
  }
  assertApart(spans, { zip, files });
  for (const { entry, path, start } of wanted) {
    const content = await unpack(zip.subarray(start, start + entry.packedBytes), { entry, files });
    files.add({ path, content, isExecutable: ((entry.mode ?? 0) & 0o111) !== 0 });
  }
}

function* readDirectory(zip: Buffer, files: ArchiveFiles): Generator<ZipEntry> {
  const end = findEnd(zip, files);
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  if (zip.readUInt16LE(end + 4) !== 0 || count !== zip.readUInt16LE(end + 8)) throw files.whole("spans several disks");
  if (count === 0xffff || at === 0xffffffff) throw files.whole("is a ZIP64 file, which no bundle needs to be");
  for (let index = 0; index < count; index += 1) {
    if (at + CENTRAL_BYTES > end || zip.readUInt32LE(at) !== CENTRAL) throw files.whole("has a broken directory");
    const nameEnd = at + CENTRAL_BYTES + zip.readUInt16LE(at + 28);
    const next = nameEnd + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    if (next > end) throw files.whole("has a broken directory");
    const name = readName(zip.subarray(at + CENTRAL_BYTES, nameEnd), files);
    if ((zip.readUInt16LE(at + 8) & 1) !== 0) throw files.fault(name, "is encrypted");
    const method = zip.readUInt16LE(at + 10);
    if (method !== STORED && method !== DEFLATED)
      throw files.fault(name, `is packed by method ${method}; use deflate or none`);
    yield {
      ...{ name, method, crc: zip.readUInt32LE(at + 16) },
      ...{ packedBytes: zip.readUInt32LE(at + 20), bytes: zip.readUInt32LE(at + 24) },
      mode: zip.readUInt8(at + 5) === UNIX ? zip.readUInt32LE(at + 38) >>> 16 : undefined,
      offset: zip.readUInt32LE(at + 42),
    };
    at = next;
  }
}

function findEnd(zip: Buffer, files: ArchiveFiles): number {
  const first = Math.max(0, zip.length - END_BYTES - COMMENT_BYTES_MAX);
  for (let at = zip.length - END_BYTES; at >= first; at -= 1) {
    if (zip.readUInt32LE(at) !== END) continue;
    if (at + END_BYTES + zip.readUInt16LE(at + 20) === zip.length) return at;
  }
  throw files.whole("is no zip file, or was cut off");
}

function readName(bytes: Buffer, files: ArchiveFiles): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw files.fault(bytes.toString("latin1"), "has a name that is not UTF-8");
  }
}

function dataStart(zip: Buffer, { name, offset, packedBytes }: ZipEntry, files: ArchiveFiles): number {
  if (offset + LOCAL_BYTES > zip.length || zip.readUInt32LE(offset) !== LOCAL)
    throw files.fault(name, "lies outside of the file");
  const nameEnd = offset + LOCAL_BYTES + zip.readUInt16LE(offset + 26);
  const local = zip.subarray(offset + LOCAL_BYTES, nameEnd).toString("utf8");
  if (local !== name) throw files.fault(name, "has another name where its content lies");
  const start = nameEnd + zip.readUInt16LE(offset + 28);
  if (start + packedBytes > zip.length) throw files.fault(name, "lies outside of the file");
  return start;
}

function assertApart(
  spans: { start: number; end: number; name: string }[],
  { zip, files }: { zip: Buffer; files: ArchiveFiles },
): void {
  spans.sort((a, b) => a.start - b.start);
  let taken = 0;
  for (const { start, end, name } of spans) {
    if (start < taken) throw files.fault(name, "shares its bytes with another entry");
    taken = end;
  }
  if (taken > zip.readUInt32LE(findEnd(zip, files) + 16)) throw files.whole("has entries inside of its directory");
}

async function unpack(packed: Buffer, { entry, files }: { entry: ZipEntry; files: ArchiveFiles }): Promise<Buffer> {
  const { name, method, bytes, crc } = entry;
  let content: Buffer = packed;
  if (method === DEFLATED) {
    try {
      content = await promisify(inflateRaw)(packed, { maxOutputLength: Math.max(1, bytes) });
    } catch {
      throw files.fault(name, "does not unpack to the size it says");
    }
  }
  if (content.length !== bytes || crc32(content) !== crc)
    throw files.fault(name, "is damaged: size or checksum differ");
  return content;
}
