import type { AuditEntryDraft, SqlRow, WriteCommand } from "../../ports/index.ts";
import type { StoredDefinition, StoredTask } from "../store/workflowStore.ts";

// A disk for the in-memory store. Every transaction is a function of the state, kept in a log, so that a power cut can be played: what was
// not synced when the power went is taken from the log's end, and the state is built again from what is left. Transactions wait in a queue
// like those of a group commit; who drives the disk says when the queue is written and whether that ends well.

export interface MemoryState {
  definitions: Map<string, StoredDefinition>;
  /** In order of being brought; the last one of a name is its newest. */
  versions: StoredDefinition[];
  /** With the columns of the table `workflow_run`, by id. */
  runs: Map<string, SqlRow>;
  tasks: Map<string, Map<number, StoredTask>>;
  events: { id: number; runId: string; seq: number; type: string; time: string; data: object }[];
  /** Ends of leases, by engine. */
  leases: Map<string, number>;
  audit: AuditEntryDraft[];
  /** Write commands of other modules, in order of their transactions. */
  writes: WriteCommand[];
}

/** Checks first and then changes: one that throws has changed nothing. */
type Change<T> = (state: MemoryState) => T;

interface Pending {
  /** Changes the state and answers what has to be told to who asked, once it is durable. */
  apply: (state: MemoryState) => () => void;
  reject: (error: unknown) => void;
}

export interface MemoryDiskOptions {
  /**
   * `auto`: every transaction is written in the turn that brings it. `manual`: it waits for `write`. In both cases it is acknowledged when
   * it is on the disk.
   */
  writing?: "auto" | "manual";
  /** True: acknowledged before it is on the disk (as `synchronous=NORMAL` does), and lost by a power cut before `sync`. */
  acknowledgesEarly?: boolean;
}

export class MemoryDisk {
  readonly #options: MemoryDiskOptions;
  readonly #log: Pending["apply"][] = [];
  #queue: Pending[] = [];
  #synced = 0;
  state: MemoryState = emptyState();
  /** Throws to refuse a write command of another module, and its transaction with it. */
  refuse: (command: WriteCommand) => void = () => undefined;
  /** Called before each transaction is written; throws to fail it. */
  beforeWrite: () => void = () => undefined;
  /** Called after each transaction was written, before it is acknowledged. */
  afterWrite: () => void = () => undefined;

  readonly #listeners = new Set<() => void>();

  constructor(options: MemoryDiskOptions = {}) {
    this.#options = options;
  }

  /** Transactions that wait to be written. */
  get pending(): number {
    return this.#queue.length;
  }

  /** Transactions that were written so far. */
  get written(): number {
    return this.#log.length;
  }

  transact<T>(change: Change<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const apply = (state: MemoryState): (() => void) => {
        const result = change(state);
        return () => resolve(result);
      };
      this.#queue.push({ apply, reject });
      if (this.#options.writing !== "manual") queueMicrotask(() => this.write());
    });
  }

  /** Writes the oldest `count` waiting transactions and acknowledges them. */
  write(count = Infinity): void {
    const group = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(group.length);
    for (const pending of group) {
      let acknowledge: () => void;
      try {
        this.beforeWrite();
        acknowledge = pending.apply(this.state);
      } catch (error) {
        pending.reject(error);
        continue;
      }
      this.#log.push(pending.apply);
      if (this.#options.acknowledgesEarly !== true) this.#synced = this.#log.length;
      this.afterWrite();
      acknowledge();
      for (const listener of this.#listeners) listener();
    }
  }

  /** Called after each transaction that was written. A power cut forgets the listeners. */
  onDidWrite(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** What was written survives from now on. */
  sync(): void {
    this.#synced = this.#log.length;
  }

  /**
   * The power goes. `reached`: so many of the waiting transactions got onto the disk although nobody heard of it. The others are gone, and
   * so is what was acknowledged and not synced, but for the oldest `kept` of it.
   */
  cutPower({ reached = 0, kept = 0 }: { reached?: number; kept?: number } = {}): void {
    const waiting = this.#queue.slice(0, reached);
    this.#queue = [];
    this.#listeners.clear();
    this.#log.length = Math.min(this.#log.length, this.#synced + kept);
    this.state = emptyState();
    for (const apply of this.#log) apply(this.state);
    for (const { apply } of waiting) {
      try {
        apply(this.state);
        this.#log.push(apply);
      } catch {
        // Refused: as if it had not been written.
      }
    }
    this.#synced = this.#log.length;
  }
}

function emptyState(): MemoryState {
  return {
    ...{ definitions: new Map(), versions: [], runs: new Map(), tasks: new Map(), leases: new Map() },
    ...{ events: [], audit: [], writes: [] },
  };
}
