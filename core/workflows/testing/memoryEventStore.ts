import type {
  AuditEntryDraft,
  EventQuery,
  EventStore,
  SealedEvent,
  StoredEvent,
  WriteCommand,
} from "../../ports/index.ts";
import type { MemoryDisk } from "./memoryDisk.ts";

const APPEND = "test.event";

interface Appended {
  event: SealedEvent;
  runId: string | undefined;
}

/** Events on a memory disk: each is a write of the transaction that published it. For one engine; a dead one's listeners hear no more. */
export class MemoryEventStore implements EventStore {
  readonly #disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  append(event: SealedEvent, address?: { runId?: string }): WriteCommand {
    return { name: APPEND, params: { event, runId: address?.runId } satisfies Appended };
  }

  store(event: SealedEvent, entry: AuditEntryDraft, address?: { runId?: string }): Promise<void> {
    return this.#disk.transact((state) => {
      state.writes.push(this.append(event, address));
      state.audit.push(entry);
    });
  }

  read({ after, runId, types, limit }: EventQuery): StoredEvent[] {
    return this.#all()
      .filter((stored) => stored.position > after && (stored.runId === undefined || stored.runId === runId))
      .filter(({ event }) => types === undefined || types.includes(event.type))
      .slice(0, limit);
  }

  list({ type, before = Infinity, limit }: { type?: string; before?: number; limit: number }): Promise<StoredEvent[]> {
    const found = this.#all().filter(
      ({ event, position }) => position < before && (type === undefined || event.type === type),
    );
    return Promise.resolve(found.reverse().slice(0, limit));
  }

  position(): number {
    return this.#all().length;
  }

  onDidStore(listener: (events: readonly StoredEvent[]) => void): Disposable {
    let known = this.position();
    return this.#disk.onDidWrite(() => {
      const fresh = this.#all().slice(known);
      known += fresh.length;
      if (fresh.length > 0) listener(fresh);
    });
  }

  /** A second event with one source and id is not kept. */
  #all(): StoredEvent[] {
    const seen = new Set<string>();
    const kept = this.#disk.state.writes.filter(({ name, params }) => {
      if (name !== APPEND) return false;
      const { source, id } = (params as Appended).event.event;
      const isNew = !seen.has(`${source} ${id}`);
      seen.add(`${source} ${id}`);
      return isNew;
    });
    return kept.map(({ params }, index) => {
      const { event, runId } = params as Appended;
      return { ...event, position: index + 1, ...(runId === undefined ? {} : { runId }) };
    });
  }
}
