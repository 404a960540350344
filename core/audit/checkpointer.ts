import { messageOf } from "../base/index.ts";
import type { Clock, Logger, Reader, Writer } from "../ports/index.ts";
import type { AuditHead } from "./auditWriterModule.ts";
import { checkpointText, claimedSize, originOf } from "./checkpoint.ts";
import {
  appendOutsideCheckpoints,
  dropPartialNote,
  outsideFolder,
  readOutsideCheckpoints,
} from "./outsideCheckpoints.ts";
import type { NoteSigner } from "./signedNote.ts";

// Signs the log's head: every ENTRIES_PER_CHECKPOINT entries, every DIRTY_MS while there are unsigned ones, and at the end. The order is
// fixed: entries on disk, checkpoint row on disk, copy outside. A crash between the last two is made good at the next start. A log
// never signs a checkpoint that contradicts an earlier one, so when the outside copy knows more than the database, signing stops.

const ENTRIES_PER_CHECKPOINT = 256;
const DIRTY_MS = 5 * 60_000;
/** Checkpoints that are kept for copying outside while that fails; the newest ones say the most. */
const UNCOPIED_MAX = 1_000;

export interface CheckpointerOptions {
  writer: Writer;
  reader: Reader;
  clock: Clock;
  logger: Logger;
  signer: NoteSigner;
  log: string;
  outsideRoot: string;
  /** Entries of the log when it was opened. */
  size: number;
}

export class Checkpointer implements AsyncDisposable {
  readonly #options: CheckpointerOptions;
  readonly #folder: string;
  #size: number;
  #signedSize = 0;
  #outsideSize = 0;
  #mayNotSign = false;
  #uncopied: string[] = [];
  #running: Promise<void> | undefined;
  #timer: Disposable | undefined;
  #closed = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#folder = outsideFolder(options.outsideRoot, options.log);
    this.#size = options.size;
  }

  /** Entries that the newest outside copy covers. */
  get outsideSize(): number {
    return this.#outsideSize;
  }

  /** Compares the outside copy with the database and brings it up to date. */
  async catchUp(): Promise<void> {
    const { reader, logger } = this.#options;
    const outside = readOutsideCheckpoints(this.#folder);
    dropPartialNote(this.#folder, outside);
    const newest = outside.notes.at(-1);
    this.#outsideSize = newest === undefined ? 0 : (claimedSize(newest) ?? 0);
    if (newest !== undefined && this.#storedNote(this.#outsideSize) !== newest) {
      this.#mayNotSign = true;
      logger.error(
        { outsideSize: this.#outsideSize, size: this.#size, folder: this.#folder },
        "the audit log does not continue its last outside checkpoint; no checkpoints are signed, run `logomesh audit verify`",
      );
      return;
    }
    const missing = reader
      .all(
        "SELECT size, note FROM audit_checkpoint WHERE size > ? ORDER BY size DESC LIMIT ?",
        this.#outsideSize,
        UNCOPIED_MAX,
      )
      .toReversed();
    this.#signedSize = Number(reader.get("SELECT max(size) AS size FROM audit_checkpoint")?.size ?? 0);
    await this.#copyOutside(missing.map(({ note }) => String(note)));
    this.#arm();
  }

  /** The log has grown. */
  onSize(size: number): void {
    this.#size = size;
    if (size - this.#signedSize >= ENTRIES_PER_CHECKPOINT) void this.#sign();
    else this.#arm();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#running;
    await this.#sign();
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
  }

  /** One at a time; what arrives meanwhile is covered by the next. Never rejects. */
  #sign(): Promise<void> {
    if (this.#closed || this.#mayNotSign || this.#size === this.#signedSize) return Promise.resolve();
    this.#running ??= this.#signOnce()
      .catch((error: unknown) => {
        this.#options.logger.error(
          { error: messageOf(error) },
          "no checkpoint could be made; the next attempt follows",
        );
      })
      .finally(() => {
        this.#running = undefined;
        this.#arm();
      });
    return this.#running;
  }

  async #signOnce(): Promise<void> {
    const { writer, signer, log } = this.#options;
    const [head] = (await writer.run([{ name: "audit.head", params: null }])) as [AuditHead];
    const note = signer.sign(checkpointText({ origin: originOf(log), size: head.size, root: head.root }));
    if (head.size > this.#signedSize)
      await writer.run([{ name: "audit.checkpoint", params: { size: head.size, note } }]);
    this.#signedSize = head.size;
    await this.#copyOutside([note]);
  }

  async #copyOutside(notes: readonly string[]): Promise<void> {
    this.#uncopied = [...this.#uncopied, ...notes].slice(-UNCOPIED_MAX);
    const newest = this.#uncopied.at(-1);
    if (newest === undefined) return;
    try {
      await appendOutsideCheckpoints(this.#folder, {
        notes: this.#uncopied,
        verifierKey: this.#options.signer.verifier.text,
      });
      this.#uncopied = [];
      this.#outsideSize = claimedSize(newest) ?? this.#outsideSize;
    } catch (error) {
      this.#options.logger.error(
        { folder: this.#folder, error: messageOf(error) },
        "a checkpoint could not be copied outside the workspace; it is tried again with the next",
      );
    }
  }

  #storedNote(size: number): unknown {
    return this.#options.reader.get("SELECT note FROM audit_checkpoint WHERE size = ?", size)?.note;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#closed || this.#size === this.#signedSize) return;
    this.#timer = this.#options.clock.setTimer(DIRTY_MS, () => {
      this.#timer = undefined;
      void this.#sign();
    });
  }
}
