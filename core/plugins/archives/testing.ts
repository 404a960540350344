import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { Header } from "tar";

/** One entry of an archive of a test; what a tool would never write can be said too. */
export interface RawEntry {
  path: string;
  content?: string | Buffer;
  mode?: number;
  /** tar: File, Directory, SymbolicLink, Link, CharacterDevice, FIFO … */
  type?: string;
  linkpath?: string;
  /** zip: what the headers say instead of the truth. */
  lie?: { bytes?: number; localName?: string; offset?: number; method?: number; flags?: number; crc?: number };
}

/** A `.tgz` that holds exactly these entries, as no honest tool would check them. */
export function makeTgz(entries: readonly RawEntry[]): Buffer {
  const blocks = entries.flatMap(({ path, content = "", mode = 0o644, type = "File", linkpath }) => {
    const bytes = Buffer.from(content);
    const header = new Header({
      ...{ path, mode, type: type as "File", size: type === "File" ? bytes.length : 0, mtime: new Date(0) },
      ...(linkpath === undefined ? {} : { linkpath }),
    });
    const block = Buffer.alloc(512);
    header.encode(block);
    return type === "File" ? [block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)] : [block];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

/** A zip that holds exactly these entries. */
export function makeZip(entries: readonly RawEntry[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { path, content = "", mode = 0o100644, lie = {} } of entries) {
    const bytes = Buffer.from(content);
    const packed = deflateRawSync(bytes);
    const name = Buffer.from(path);
    const localName = Buffer.from(lie.localName ?? path);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(lie.flags ?? 0x800, 2);
    common.writeUInt16LE(lie.method ?? 8, 4);
    common.writeUInt32LE(lie.crc ?? crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(lie.bytes ?? bytes.length, 18);
    const local = Buffer.from(common);
    local.writeUInt16LE(localName.length, 22);
    const central = Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, Buffer.alloc(14)]);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(mode * 0x1_0000, 38);
    central.writeUInt32LE(lie.offset ?? offset, 42);
    const whole = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), local, localName, packed]);
    locals.push(whole);
    centrals.push(central, name);
    offset += whole.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
