import { toDisposable } from "../base/index.ts";
import type { NoticingWriter } from "../db/index.ts";
import type {
  AuditEntryDraft,
  AuditLog,
  CloudEvent,
  EventQuery,
  EventStore,
  Reader,
  SealedEvent,
  StoredEvent,
  WriteCommand,
} from "../ports/index.ts";
import type { StoredEventNotice } from "./eventWriterModule.ts";

// Events that were published, in the order of their commits. Whoever listens now is told after the commit, from the writer's notices; whoever
// listens later reads them from the table.

export interface SqliteEventStoreOptions {
  writer: NoticingWriter;
  reader: Reader;
  audit: AuditLog;
}

export class SqliteEventStore implements EventStore, Disposable {
  readonly #options: SqliteEventStoreOptions;
  readonly #listeners = new Set<(events: readonly StoredEvent[]) => void>();
  readonly #subscription: Disposable;

  constructor(options: SqliteEventStoreOptions) {
    this.#options = options;
    this.#subscription = options.writer.onDidCommit("event", (notice) => this.#tell(notice as StoredEventNotice[]));
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
    this.#listeners.clear();
  }

  append({ event }: SealedEvent, address: { runId?: string } = {}): WriteCommand {
    const params = {
      ...{ source: event.source, id: event.id, type: event.type },
      ...{ runId: address.runId ?? null, envelope: JSON.stringify(event) },
    };
    return { name: "event.append", params };
  }

  async store(sealed: SealedEvent, entry: AuditEntryDraft, address: { runId?: string } = {}): Promise<void> {
    await this.#options.writer.run([this.append(sealed, address), this.#options.audit.command(entry)]);
  }

  read({ after, runId, types, limit }: EventQuery): StoredEvent[] {
    const { reader } = this.#options;
    const where = "position > ? AND (run_id IS NULL OR run_id = ?)";
    if (types === undefined)
      return reader
        .all(`SELECT * FROM event WHERE ${where} ORDER BY position LIMIT ?`, after, runId, limit)
        .map(toStored);
    // Each type from its index; few are asked for at once.
    return types
      .flatMap((type) =>
        reader.all(
          `SELECT * FROM event WHERE type = ? AND ${where} ORDER BY position LIMIT ?`,
          type,
          after,
          runId,
          limit,
        ),
      )
      .map(toStored)
      .sort((a, b) => a.position - b.position)
      .slice(0, limit);
  }

  async list({ type, before, limit }: { type?: string; before?: number; limit: number }): Promise<StoredEvent[]> {
    const rows = await this.#options.reader.scan(
      `SELECT * FROM event WHERE (?1 IS NULL OR type = ?1) AND (?2 IS NULL OR position < ?2) ORDER BY position DESC LIMIT ?3`,
      type ?? null,
      before ?? null,
      limit,
    );
    return rows.map(toStored);
  }

  position(): number {
    return Number(this.#options.reader.get("SELECT coalesce(max(position), 0) AS position FROM event")?.position ?? 0);
  }

  onDidStore(listener: (events: readonly StoredEvent[]) => void): Disposable {
    this.#listeners.add(listener);
    return toDisposable(() => void this.#listeners.delete(listener));
  }

  #tell(notices: readonly StoredEventNotice[]): void {
    const events = notices.map(({ position, runId, envelope }) => stored(position, runId, envelope));
    for (const listener of [...this.#listeners]) listener(events);
  }
}

function stored(position: number, runId: string | null, envelope: string): StoredEvent {
  const event = JSON.parse(envelope) as CloudEvent;
  return { position, event, bytes: Buffer.byteLength(envelope), ...(runId === null ? {} : { runId }) };
}

function toStored(row: { [column: string]: unknown }): StoredEvent {
  return stored(Number(row.position), row.run_id as string | null, row.envelope as string);
}
