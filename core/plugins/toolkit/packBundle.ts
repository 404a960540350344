import { constants, gzipSync } from "node:zlib";
import { zipSync, type Zippable } from "fflate";
import { Header, Pax } from "tar";
import type { PluginManifest } from "@logomesh/contracts";
import { assert } from "../../base/index.ts";
import { hashOf, readBundle, type BundleFile } from "../bundle.ts";
import { MANIFEST_FILE, assertEntryPoint, parseManifest } from "../manifest.ts";
import { MCPB_MANIFEST_FILE, toMcpbManifest } from "./mcpbManifest.ts";

// The same folder gives the same bytes, whoever packs it and when: files in order, no times, no owners, modes 0644 and 0755.

const BLOCK_BYTES = 512;
/** A zip counts from here, in local time; the library writes it so in every time zone. */
const ZIP_EPOCH = [1980, 0, 1] as const;
const UNIX = 3;
const GZIP_OS_AT = 9;
const GZIP_OS_UNKNOWN = 255;

export interface PackedBundle {
  bytes: Uint8Array;
  /** `org.example.words-1.0.0.tgz` */
  fileName: string;
  /** Of the bundle, as a grant names it; not of the file. */
  sha256: string;
}

/** @throws LogoMeshError LM_PLUGIN_BUNDLE_INVALID, LM_PLUGIN_MANIFEST_INVALID */
export function packBundle(folder: string, format: "tgz" | "mcpb"): PackedBundle {
  const files = readBundle(folder);
  const found = files.find(({ path }) => path === MANIFEST_FILE);
  const manifest = parseManifest(found?.content.toString("utf8") ?? "", `${folder}/${MANIFEST_FILE}`);
  assertEntryPoint(folder, manifest);
  const bytes = format === "tgz" ? packTgz(files) : packMcpb(files, manifest);
  return { bytes, fileName: `${manifest.id}-${manifest.version}.${format}`, sha256: hashOf(files) };
}

function packTgz(files: readonly BundleFile[]): Uint8Array {
  const blocks = files.flatMap(({ path, content, isExecutable }) => {
    const mode = isExecutable ? 0o755 : 0o644;
    const fields = { path, mode, type: "File", size: content.byteLength, mtime: new Date(0) } as const;
    const block = Buffer.alloc(BLOCK_BYTES);
    const needsMore = new Header(fields).encode(block);
    const more = needsMore ? [new Pax({ path, size: content.byteLength }).encode()] : [];
    const padding = Buffer.alloc((BLOCK_BYTES - (content.byteLength % BLOCK_BYTES)) % BLOCK_BYTES);
    return [...more, block, content, padding];
  });
  const tar = Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
  const packed = gzipSync(tar, { level: constants.Z_BEST_COMPRESSION });
  packed[GZIP_OS_AT] = GZIP_OS_UNKNOWN;
  return packed;
}

/** Beside the files there is the manifest that other hosts read; ours lies in it too, under `_meta`. */
function packMcpb(files: readonly BundleFile[], manifest: PluginManifest): Uint8Array {
  const text = `${JSON.stringify(toMcpbManifest(manifest), null, 2)}\n`;
  const all = [
    ...files.filter(({ path }) => path !== MCPB_MANIFEST_FILE),
    { path: MCPB_MANIFEST_FILE, content: Buffer.from(text), isExecutable: false },
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  const entries: Zippable = {};
  for (const { path, content, isExecutable } of all) {
    assert(!Object.hasOwn(entries, path), "paths of a bundle are unique");
    const attrs = ((isExecutable ? 0o100755 : 0o100644) << 16) >>> 0;
    entries[path] = [content, { level: 9, mtime: new Date(...ZIP_EPOCH), os: UNIX, attrs }];
  }
  return zipSync(entries);
}
