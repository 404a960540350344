import { webcrypto } from "node:crypto";
import { LogoMeshError } from "@logomesh/contracts";
import type { BlobStore, Privacy, Reader, StorageUsage, Together, Writer } from "../ports/index.ts";
import { BLOB_BYTES_MAX, OWNER_BYTES_MAX, assertMedia, assertOwner, assertSha256 } from "./limits.ts";
import { isPrivateOwner } from "./privateOwners.ts";
import { blobNotFound, type PutBlobParams, type ShareBlobParams } from "./storageWriterModule.ts";

/** Up to this size a blob is read on the calling thread; a larger one by the reader thread. */
const READ_INLINE_BYTES_MAX = 256 * 1024;
const READ_BYTES = "SELECT bytes FROM blob WHERE sha256 = ?";

/** Blobs in the workspace's database. */
export class SqliteBlobStore implements BlobStore {
  readonly #writer: Writer;
  readonly #reader: Reader;

  constructor({ writer, reader }: { writer: Writer; reader: Reader }) {
    this.#writer = writer;
    this.#reader = reader;
  }

  async put(
    bytes: Uint8Array,
    options: { owner: string; media: string; ownerBytesMax?: number } & Partial<Privacy> & Together,
  ): Promise<{ sha256: string }> {
    const { owner, media, ownerBytesMax = OWNER_BYTES_MAX, isPrivate = false } = options;
    assertOwner(owner);
    assertMedia(media);
    if (bytes.byteLength > BLOB_BYTES_MAX) {
      throw new LogoMeshError(
        "LM_TOO_LARGE",
        `The blob has ${bytes.byteLength} bytes; at most ${BLOB_BYTES_MAX} are allowed. Store it in parts.`,
      );
    }
    // A copy of its own: the caller may write on, and only these bytes cross to the writer, not the buffer they are a part of.
    const owned = new Uint8Array(bytes);
    const digest = await webcrypto.subtle.digest("SHA-256", owned);
    const sha256 = Buffer.from(digest).toString("hex");
    const params: PutBlobParams = {
      ...{ owner, sha256, bytes: owned, media, isPrivate },
      ownerBytesMax: Math.min(ownerBytesMax, OWNER_BYTES_MAX),
    };
    await this.#writer.run([{ name: "storage.putBlob", params }, ...(options.together ?? [])]);
    return { sha256 };
  }

  async get(sha256: string, { owner }: { owner: string }): Promise<{ bytes: Uint8Array; media: string } & Privacy> {
    assertSha256(sha256);
    assertOwner(owner);
    const row = this.#reader.get(
      "SELECT media, size, private FROM blob_owner WHERE owner = ? AND sha256 = ? ORDER BY payer <> owner LIMIT 1",
      owner,
      sha256,
    );
    if (row === undefined) throw blobNotFound(sha256);
    const isSmall = Number(row.size) <= READ_INLINE_BYTES_MAX;
    const blob = isSmall ? this.#reader.get(READ_BYTES, sha256) : (await this.#reader.scan(READ_BYTES, sha256))[0];
    // Its last owner deleted it while the reader thread had other things to do.
    if (blob === undefined) throw blobNotFound(sha256);
    return { bytes: blob.bytes as Uint8Array, media: row.media as string, isPrivate: row.private === 1 };
  }

  async share(sha256: string, { from, to, together = [] }: { from: string; to: string } & Together): Promise<void> {
    assertSha256(sha256);
    assertOwner(from);
    assertOwner(to);
    const params: ShareBlobParams = { from, to, sha256 };
    await this.#writer.run([{ name: "storage.shareBlob", params }, ...together]);
  }

  async delete(sha256: string, { owner, together = [] }: { owner: string } & Together): Promise<boolean> {
    assertSha256(sha256);
    assertOwner(owner);
    const [existed] = await this.#writer.run([{ name: "storage.deleteBlob", params: { owner, sha256 } }, ...together]);
    return existed as boolean;
  }

  usage(owner: string): StorageUsage {
    return readUsage(this.#reader, { owner, kind: "blob" });
  }

  isPrivate(owner: string): boolean {
    return isPrivateOwner(this.#reader, owner);
  }
}

/** @internal Running totals of one owner. */
export function readUsage(reader: Reader, { owner, kind }: { owner: string; kind: "value" | "blob" }): StorageUsage {
  const row = reader.get("SELECT bytes, entries FROM storage_usage WHERE owner = ? AND kind = ?", owner, kind);
  return { bytes: Number(row?.bytes ?? 0), entries: Number(row?.entries ?? 0) };
}
