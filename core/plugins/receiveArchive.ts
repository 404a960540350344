import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { LogoMeshError, PLUGIN_ARCHIVE_BYTES_MAX } from "@logomesh/contracts";
import { isArchive } from "./archives/readArchive.ts";
import { INCOMING } from "./bundleFolders.ts";

// An archive that somebody sends: bytes go to a file of the staging folder as they come, so that memory does not grow with it and a slow
// sender holds up no installation. Whatever ends it early leaves nothing.

/** Archives that are being received; each may take its bytes on the disk. */
const RECEIVING_MAX = 4;
/** Enough to know what it is. */
const MAGIC_BYTES = 2;

export interface SentArchive {
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** What errors and the log call it. */
  name: string;
  /** Whoever sends it went away. */
  signal: AbortSignal;
}

/** A file that goes away when it is disposed. */
export interface ReceivedArchive extends AsyncDisposable {
  path: string;
}

export class ArchiveReceiver {
  readonly #folder: string;
  #receiving = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws LogoMeshError LM_TOO_LARGE, LM_PLUGIN_BUNDLE_INVALID, LM_PLUGIN_BUSY; what the sender's stream or signal ends with */
  async receive(sent: SentArchive): Promise<ReceivedArchive> {
    if (this.#receiving >= RECEIVING_MAX)
      throw new LogoMeshError(
        "LM_PLUGIN_BUSY",
        `${RECEIVING_MAX} bundles are being sent already. Send ${sent.name} when one of them is there.`,
      );
    this.#receiving += 1;
    try {
      return await this.#receive(sent);
    } finally {
      this.#receiving -= 1;
    }
  }

  async #receive(sent: SentArchive): Promise<ReceivedArchive> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, `${INCOMING}${randomBytes(8).toString("hex")}.archive`);
    const remove = (): Promise<void> => rm(path, { force: true });
    try {
      await using file = await open(path, "wx", 0o600);
      await writeTo(file, sent);
    } catch (error) {
      await remove();
      throw error;
    }
    return { path, [Symbol.asyncDispose]: remove };
  }
}

async function writeTo(file: FileHandle, { bytes, name, signal }: SentArchive): Promise<void> {
  let received = 0;
  let magic = Buffer.alloc(0);
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    received += chunk.length;
    if (received > PLUGIN_ARCHIVE_BYTES_MAX)
      throw new LogoMeshError(
        "LM_TOO_LARGE",
        `${name} has more than ${PLUGIN_ARCHIVE_BYTES_MAX} bytes, which is the most that a packed bundle may have.`,
      );
    if (magic.length < MAGIC_BYTES) {
      magic = Buffer.concat([magic, chunk.subarray(0, MAGIC_BYTES)]);
      if (magic.length >= MAGIC_BYTES) assertArchive(magic, name);
    }
    await file.writeFile(chunk);
  }
  // A sender that was cut off may look like one that was done.
  signal.throwIfAborted();
  assertArchive(magic, name);
}

function assertArchive(magic: Uint8Array, name: string): void {
  if (!isArchive(magic))
    throw new LogoMeshError("LM_PLUGIN_BUNDLE_INVALID", `${name} is neither a .tgz nor a zip (.mcpb).`);
}
