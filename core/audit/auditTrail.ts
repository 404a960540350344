import {
  LogoMeshError,
  type AuditEntry,
  type AuditQuery,
  type Page,
  type PageQuery,
  type VerifyReport,
} from "@logomesh/contracts";
import { isCancellation, messageOf, toDisposable, toLogoMeshError } from "../base/index.ts";
import type { NoticingWriter } from "../db/index.ts";
import type {
  AuditBacklog,
  AuditEntryDraft,
  AuditHistory,
  AuditLog,
  Clock,
  Logger,
  Random,
  Reader,
  SqlRow,
  UnendedQuery,
  WriteCommand,
} from "../ports/index.ts";
import { loadAuditKeys } from "./auditKeys.ts";
import { parseCursor, queryEntries, readEntry, toEntry } from "./auditQuery.ts";
import type { AuditNotice } from "./auditWriterModule.ts";
import { Checkpointer } from "./checkpointer.ts";
import { prepareEntry, type AppendParams } from "./entry.ts";

// The main-thread half of the log: prepares entries, keeps its size in mind, and lets the checkpointer sign. When a queued entry could
// not be written the log counts as unwritable: every later write carries an `audit.gap` entry that says how many were lost, in one unit
// with the new entry, so that the gap is on record before anything else is.

/** The offline verifier and the search for what did not end, both over the files of this log. */
export interface AuditJobs {
  verify(): Promise<VerifyReport>;
  /** Rows of `body` and `leaf`. */
  listUnended(query: UnendedQuery): Promise<SqlRow[]>;
}

export interface OpenAuditTrailOptions {
  writer: NoticingWriter;
  reader: Reader;
  /** Long reads, each in a process of its own. */
  jobs: AuditJobs;
  clock: Clock;
  random: Random;
  logger: Logger;
  newLogId: () => string;
  /** The workspace's `.logomesh/keys`. */
  keysFolder: string;
  /** Folder outside the workspace; each log has its own folder below. */
  outsideRoot: string;
}

/**
 * Opens the log of a workspace, or begins it.
 * @throws LogoMeshError LM_AUDIT_TAMPERED when database and keys do not belong together, LM_DB_*
 */
export async function openAuditTrail(options: OpenAuditTrailOptions): Promise<AuditTrail> {
  const { writer } = options;
  const { log, signer } = loadAuditKeys({ folder: options.keysFolder, newLogId: options.newLogId });
  const [opened] = await writer.run([{ name: "audit.open", params: { log } }]);
  const stored = opened as { log: string; size: number };
  if (stored.log !== log) {
    throw new LogoMeshError(
      "LM_AUDIT_TAMPERED",
      `The database holds the audit log ${stored.log}, but the keys in ${options.keysFolder} belong to ${log}. Restore the one that was replaced.`,
    );
  }
  const checkpointer = new Checkpointer({ ...options, log, signer, size: stored.size });
  await checkpointer.catchUp();
  return new AuditTrail({ ...options, log, checkpointer, size: stored.size });
}

/** Queued entries share a commit with what is queued within this time. */
const GATHER_MS = 2;
/** So many are sent at once without waiting for more. */
const GATHERED_MAX = 256;
/** Entries, and bytes of their payloads, that may be on their way to the disk before those who queue more wait: some 100 ms of writing. */
const WAITING_MAX = 8_192;
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

interface AuditTrailOptions extends OpenAuditTrailOptions {
  log: string;
  checkpointer: Checkpointer;
  size: number;
}

/** The tamper-evident log of one workspace. */
export class AuditTrail implements AuditLog, AuditBacklog, AuditHistory, AsyncDisposable {
  readonly #options: AuditTrailOptions;
  readonly #subscription: Disposable;
  readonly #onUnwritable = new Set<(error: LogoMeshError) => void>();
  #size: number;
  #queued: AppendParams[] = [];
  #gathering: Disposable | undefined;
  #queuedBytes = 0;
  /** Queued entries that are not on disk yet, and who waits for room. */
  #waiting = 0;
  #waitingBytes = 0;
  #room: PromiseWithResolvers<undefined> | undefined;
  /** Queued entries that were lost since the last successful write. */
  #lost = 0;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#size = options.size;
    this.#subscription = options.writer.onDidCommit("audit", (notice) => {
      this.#size = (notice as AuditNotice).size;
      options.checkpointer.onSize(this.#size);
    });
  }

  /** Id of the log: the last part of its checkpoints' origin. */
  get logId(): string {
    return this.#options.log;
  }

  /** Called when an entry could not be written: what happens from now on may leave no trace. */
  onDidFail(listener: (error: LogoMeshError) => void): Disposable {
    this.#onUnwritable.add(listener);
    return toDisposable(() => this.#onUnwritable.delete(listener));
  }

  command(draft: AuditEntryDraft): WriteCommand {
    // Whatever was queued before comes before it.
    void this.#sendQueued();
    return { name: "audit.append", params: prepareEntry(draft, this.#options) };
  }

  async append(draft: AuditEntryDraft): Promise<{ seq: number }> {
    return this.#write(this.command(draft));
  }

  enqueue(draft: AuditEntryDraft): void {
    try {
      const entry = prepareEntry(draft, this.#options);
      this.#queued.push(entry);
      this.#waiting += 1;
      const bytes = entry.payloads.reduce((sum, { bytes: { length } }) => sum + length, 0);
      this.#queuedBytes += bytes;
      this.#waitingBytes += bytes;
    } catch (error) {
      this.#onLost({ kinds: [draft.kind], error });
      return;
    }
    if (this.#queued.length >= GATHERED_MAX) void this.#sendQueued();
    else this.#gathering ??= this.#options.clock.setTimer(GATHER_MS, () => void this.#sendQueued());
  }

  room(): Promise<void> | undefined {
    if (this.#hasRoom()) return undefined;
    this.#room ??= Promise.withResolvers<undefined>();
    return this.#room.promise;
  }

  /** Sees what was queued before. */
  async query(query: PageQuery & AuditQuery): Promise<Page<AuditEntry>> {
    await this.#sendQueued();
    return queryEntries(this.#options.reader, query);
  }

  async getEntry(seq: number): Promise<AuditEntry> {
    await this.#sendQueued();
    return readEntry(this.#options.reader, seq);
  }

  async listUnended(query: UnendedQuery): Promise<AuditEntry[]> {
    await this.#sendQueued();
    const rows = await this.#options.jobs.listUnended(query);
    return rows.map(toEntry);
  }

  /** The newest entry of a kind: the index knows it, so that no thread is asked. */
  newestOf(kind: string): AuditEntry | undefined {
    const { reader } = this.#options;
    const seq = reader.get("SELECT max(seq) AS seq FROM audit_entry WHERE kind = ?", kind)?.seq;
    return seq === undefined || seq === null ? undefined : readEntry(reader, Number(seq));
  }

  async verify(): Promise<VerifyReport> {
    await this.#sendQueued();
    return this.#options.jobs.verify();
  }

  /** Newest first. `createdAt` is the time of the newest entry that the checkpoint covers. */
  async listCheckpoints(page: PageQuery): Promise<Page<{ size: number; note: string; createdAt: string }>> {
    const rows = await this.#options.reader.scan(
      `SELECT c.size, c.note, e.ts_ms FROM audit_checkpoint c JOIN audit_entry e ON e.seq = c.size - 1
       WHERE c.size < ? ORDER BY c.size DESC LIMIT ?`,
      parseCursor(page.cursor) ?? Number.MAX_SAFE_INTEGER,
      page.limit + 1,
    );
    const items = rows.slice(0, page.limit).map(({ size, note, ts_ms }) => ({
      size: Number(size),
      note: String(note),
      createdAt: new Date(Number(ts_ms)).toISOString(),
    }));
    return { items, nextCursor: rows.length > page.limit ? String(items.at(-1)?.size) : null };
  }

  head(): { entries: number; entriesSinceOutside: number } {
    return { entries: this.#size, entriesSinceOutside: this.#size - this.#options.checkpointer.outsideSize };
  }

  /** Signs what has no checkpoint yet. Entries that are appended afterwards stay without one. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sendQueued();
    await this.#options.checkpointer[Symbol.asyncDispose]();
    this.#subscription[Symbol.dispose]();
  }

  /** Resolves when what is queued now is on disk, or lost and counted. */
  async #sendQueued(): Promise<void> {
    const entries = this.#queued;
    if (entries.length === 0) return;
    this.#queued = [];
    const bytes = this.#queuedBytes;
    this.#queuedBytes = 0;
    this.#gathering?.[Symbol.dispose]();
    this.#gathering = undefined;
    try {
      await this.#write({ name: "audit.appendAll", params: entries });
    } catch (error) {
      this.#onLost({ kinds: entries.map(({ columns }) => columns.kind), error });
    } finally {
      this.#waiting -= entries.length;
      this.#waitingBytes -= bytes;
      if (this.#hasRoom()) {
        this.#room?.resolve(undefined);
        this.#room = undefined;
      }
    }
  }

  #hasRoom(): boolean {
    return this.#waiting < WAITING_MAX && this.#waitingBytes < WAITING_BYTES_MAX;
  }

  async #write(command: WriteCommand): Promise<{ seq: number }> {
    const lost = this.#lost;
    this.#lost = 0;
    const commands = lost === 0 ? [command] : [this.#gapCommand(lost), command];
    try {
      const results = await this.#options.writer.run(commands);
      return results.at(-1) as { seq: number };
    } catch (error) {
      this.#lost += lost;
      if (isCancellation(error)) throw error;
      const { code, message } = toLogoMeshError(error);
      const unwritable = new LogoMeshError("LM_AUDIT_UNWRITABLE", `The audit entry could not be written: ${message}`, {
        cause: error,
        data: { code },
      });
      for (const listener of this.#onUnwritable) listener(unwritable);
      throw unwritable;
    }
  }

  #gapCommand(lost: number): WriteCommand {
    return this.command({ kind: "audit.gap", actor: { type: "system", id: "audit" }, data: { lost } });
  }

  #onLost({ kinds, error }: { kinds: readonly string[]; error: unknown }): void {
    for (const kind of kinds) {
      this.#lost++;
      this.#options.logger.error({ kind, error: messageOf(error), lost: this.#lost }, "an audit entry was lost");
    }
  }
}
