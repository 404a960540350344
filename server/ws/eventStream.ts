import type { JsonObject, RunEvent, RunTaskSummary, ServerMessage } from "@logomesh/contracts";
import type { Workbench } from "@logomesh/core";
import { isOutdated, isTerminalEvent, type EventFilter, type LiveMessage } from "./messages.ts";
import { readSnapshot } from "./snapshot.ts";

// One client's view of what happens: a snapshot, then every durable event once and in order, ephemeral messages where there is time.
//
//   reading   stored events behind the position are sent, as fast as the client takes them; live messages wait in a short queue
//   live      messages pass through
//   lagging   the client left too much unread: everything is dropped until it has caught up, then reset, snapshot, reading
//
// The store is the truth: a live event that does not directly follow the position is a reason to read, never a gap. It must not know
// what a WebSocket is.

const PAGE_EVENTS_MAX = 500;
/** Live messages that wait while stored events are read; when there are more, they are read from the store again. */
const WAITING_MESSAGES_MAX = 1000;

/** Where the messages go. */
export interface EventSink {
  send(message: ServerMessage): void;
  /** Whether the client has left more unread than it may. */
  isFull(): boolean;
  /** Resolves when the client has taken most of it, or is gone. */
  drained(): Promise<void>;
}

export interface EventStreamOptions {
  workbench: Pick<Workbench, "workflows" | "plugins" | "approvals">;
  filter: EventFilter;
  sink: EventSink;
  /** The store failed; nothing follows. */
  onError: (error: unknown) => void;
}

export class EventStream implements Disposable {
  readonly #options: EventStreamOptions;
  readonly #subscriptions: Disposable[] = [];
  #state: "reading" | "live" | "lagging" | "closed" = "reading";
  /** `id` of the last durable event that was sent or left out. */
  #position = 0;
  /** Position of that event within the run that is watched, once one was seen. */
  #runSeq: number | undefined;
  /** `id` of the live event because of which the store was read: read once, it need not be found there. */
  #gapBefore = 0;
  #waiting: LiveMessage[] = [];
  #hasMissed = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  /** Subscribes, then sends the snapshot and what happened behind `after`; goes on until disposed. */
  async start(after: number | undefined): Promise<void> {
    const { workbench, filter } = this.#options;
    const { runId } = filter;
    // Before anything is read, so that nothing falls between the stored and the live.
    this.#subscriptions.push(
      workbench.workflows.subscribe(runId === undefined ? {} : { runId }, (message) => this.#receive(message)),
    );
    if (runId === undefined && filter.kinds.has("plugin")) {
      const tell = (plugin: object): void => this.#receive({ type: "plugin", plugin: plugin as JsonObject });
      this.#subscriptions.push(workbench.plugins.subscribe(tell));
    }
    if (runId === undefined && filter.kinds.has("approval")) {
      this.#subscriptions.push(
        workbench.approvals.subscribe((change) => this.#receive({ type: "approval", ...change })),
      );
    }
    this.#position = after ?? workbench.workflows.eventPosition();
    await this.#resume({ leaveOutUpTo: 0 });
  }

  [Symbol.dispose](): void {
    this.#state = "closed";
    this.#waiting = [];
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
  }

  #receive(message: LiveMessage): void {
    if (!this.#options.filter.kinds.has(message.type)) return;
    if (this.#state === "reading") return this.#wait(message);
    if (this.#state !== "live") return;
    if (this.#options.sink.isFull()) return this.#lag();
    if (message.type !== "event") return this.#options.sink.send(message);
    if (message.event.id <= this.#position) return;
    if (this.#follows(message.event)) return this.#sendEvent(message);
    this.#state = "reading";
    this.#gapBefore = message.event.id;
    this.#wait(message);
    this.#readOn();
  }

  #wait(message: LiveMessage): void {
    if (this.#waiting.length < WAITING_MESSAGES_MAX) {
      this.#waiting.push(message);
      return;
    }
    this.#waiting = [];
    this.#hasMissed = true;
  }

  /** Whether nothing can be missing between the position and this event. */
  #follows(event: RunEvent): boolean {
    if (event.id === this.#gapBefore) return true;
    if (this.#options.filter.runId === undefined) return event.id === this.#position + 1;
    return event.seq === (this.#runSeq ?? NaN) + 1;
  }

  #sendEvent(message: Extract<ServerMessage, { type: "event" }>): void {
    this.#passEvent(message.event);
    this.#options.sink.send(message);
  }

  #passEvent({ id, seq }: RunEvent): void {
    this.#position = id;
    this.#runSeq = seq;
  }

  #lag(): void {
    this.#state = "lagging";
    const recover = async (): Promise<void> => {
      const { sink, workbench } = this.#options;
      await sink.drained();
      if (this.#isClosed()) return;
      this.#state = "reading";
      sink.send({ type: "reset" });
      await this.#resume({ leaveOutUpTo: workbench.workflows.eventPosition() });
    };
    recover().catch(this.#options.onError);
  }

  #readOn(): void {
    this.#readStored({ leaveOutUpTo: 0, known: new Map() }).catch(this.#options.onError);
  }

  /** Snapshot, then what is stored behind the position; of events up to `leaveOutUpTo` only those that end a run. */
  async #resume({ leaveOutUpTo }: { leaveOutUpTo: number }): Promise<void> {
    const { workbench, filter, sink } = this.#options;
    const snapshot = await readSnapshot(workbench.workflows, filter.runId);
    if (this.#isClosed()) return;
    sink.send({ type: "snapshot", position: this.#position, ...snapshot });
    const known = new Map(snapshot.tasks?.map((task) => [task.seq, task]));
    await this.#readStored({ leaveOutUpTo, known });
  }

  async #readStored(options: { leaveOutUpTo: number; known: ReadonlyMap<number, RunTaskSummary> }): Promise<void> {
    const { workbench, filter, sink } = this.#options;
    for (;;) {
      this.#hasMissed = false;
      const events = !filter.kinds.has("event")
        ? []
        : await workbench.workflows.listEvents({
            ...(filter.runId === undefined ? {} : { runId: filter.runId }),
            after: this.#position,
            limit: PAGE_EVENTS_MAX,
          });
      for (const event of events) {
        if (sink.isFull()) await sink.drained();
        if (this.#isClosed()) return;
        if (event.id <= options.leaveOutUpTo && !isTerminalEvent(event.type)) this.#passEvent(event);
        else this.#sendEvent({ type: "event", event });
      }
      if (this.#isClosed()) return;
      if (events.length < PAGE_EVENTS_MAX && this.#goLive(options.known)) return;
    }
  }

  /** Sends what waited; false when the store has to be read once more. */
  #goLive(known: ReadonlyMap<number, RunTaskSummary>): boolean {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#hasMissed) return false;
    this.#state = "live";
    for (const message of waiting) {
      // Sending may find a gap or a full client: what is left then waits again, or is read from the store.
      if (message.type !== "task" || !isOutdated(message.task, known.get(message.task.seq))) this.#receive(message);
    }
    return true;
  }

  /** A function, because the compiler does not know that awaiting changes it. */
  #isClosed(): boolean {
    return this.#state === "closed";
  }
}
