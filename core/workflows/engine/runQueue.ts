import { LogoMeshError } from "@logomesh/contracts";
import { toDisposable } from "../../base/index.ts";

// Which runs go on and which wait, where a workflow says how many of its runs may go on at once. A run holds its place from its start to its
// end, also while it waits for a child run. So that a child never waits for a place that is held for its own sake, by a run above it or
// by one that waits for such a run in a circle, it then goes on beyond the limit: the limits yield, nobody waits for ever.
// It knows ids, numbers and names only; whoever owns it stores the runs and starts them.

/** Runs that wait for a place in one queue. Each is a few hundred bytes here and a row in the database. */
const WAITING_MAX = 10_000;

/** A queue that a run stands in. */
export interface QueuePlace {
  /** `namespace/name`, with the key's value where there is one. */
  queue: string;
  /** Runs at once; what this run's definition says. */
  limit: number;
}

export interface WaitingRun extends QueuePlace {
  runId: string;
  /** Higher goes first; among equals the older. */
  priority: number;
  createdAtMs: number;
  epoch: number;
  eventPosition: number;
}

interface Entry {
  run: WaitingRun;
  /** Resolves when it waits no longer. */
  turn: PromiseWithResolvers<undefined>;
}

interface Queue {
  holders: Set<string>;
  /** In order of their turns. */
  waiting: WaitingRun[];
}

export interface RunQueueLength {
  queue: string;
  running: number;
  waiting: number;
}

export class RunQueue {
  readonly #start: (run: WaitingRun) => void;
  readonly #queues = new Map<string, Queue>();
  readonly #heldBy = new Map<string, string>();
  readonly #waiting = new Map<string, Entry>();
  /** The run that waits for the end of a child, by child. */
  readonly #parents = new Map<string, string>();
  readonly #children = new Map<string, Set<string>>();

  /** `start` is called when a waiting run's turn has come: it then holds its place. */
  constructor({ start }: { start: (run: WaitingRun) => void }) {
    this.#start = start;
  }

  /** Takes a place if one is free. */
  take(runId: string, place: QueuePlace): boolean {
    const queue = this.#queueOf(place.queue);
    if (queue.holders.size >= place.limit) {
      if (queue.waiting.length < WAITING_MAX) return false;
      throw new LogoMeshError(
        "LM_WORKFLOW_QUEUE_FULL",
        `${WAITING_MAX} runs of ${place.queue} wait for a place already. Try again later.`,
      );
    }
    this.hold(runId, place.queue);
    return true;
  }

  /** Takes a place whatever the limit: for a run that goes on already. */
  hold(runId: string, name: string): void {
    this.#forget(runId);
    this.#queueOf(name).holders.add(runId);
    this.#heldBy.set(runId, name);
  }

  /** Join the line, all of them before anybody is started; a place that came free meanwhile is taken at once. */
  wait(...runs: readonly WaitingRun[]): void {
    for (const run of runs) {
      this.#forget(run.runId);
      const { waiting } = this.#queueOf(run.queue);
      const index = waiting.findIndex((other) => isBefore(run, other));
      waiting.splice(index < 0 ? waiting.length : index, 0, run);
      this.#waiting.set(run.runId, { run, turn: Promise.withResolvers() });
    }
    const names = [...new Set(runs.map(({ queue }) => queue))];
    for (const name of names) this.#admit(name);
    this.#relieve(names);
  }

  /** Says that a run waits for the end of this child; until the returned is disposed. */
  awaitChild(childRunId: string, parentRunId: string): Disposable {
    this.#parents.set(childRunId, parentRunId);
    const children = this.#children.get(parentRunId) ?? new Set();
    this.#children.set(parentRunId, children.add(childRunId));
    this.#relieve(this.#waitingFrom(childRunId).map(({ queue }) => queue));
    return toDisposable(() => {
      this.#parents.delete(childRunId);
      children.delete(childRunId);
      if (children.size === 0) this.#children.delete(parentRunId);
    });
  }

  /** Gives its place back, or leaves the line. */
  leave(runId: string): void {
    const name = this.#heldBy.get(runId) ?? this.#waiting.get(runId)?.run.queue;
    if (name === undefined) return;
    this.#forget(runId);
    this.#heldBy.delete(runId);
    this.#queues.get(name)?.holders.delete(runId);
    this.#admit(name);
    this.#relieve([name]);
    const queue = this.#queues.get(name);
    if (queue?.holders.size === 0 && queue.waiting.length === 0) this.#queues.delete(name);
  }

  /** As it waits; undefined when it does not. */
  waitingRun(runId: string): WaitingRun | undefined {
    return this.#waiting.get(runId)?.run;
  }

  /** Resolves when the run waits no longer; at once when it does not wait. */
  async turnOf(runId: string): Promise<void> {
    await this.#waiting.get(runId)?.turn.promise;
  }

  /** Starts nobody any more: what waits is stored. */
  clear(): void {
    for (const { turn } of this.#waiting.values()) turn.resolve(undefined);
    for (const map of [this.#queues, this.#heldBy, this.#waiting, this.#parents, this.#children]) map.clear();
  }

  /** Queues in use. */
  lengths(): RunQueueLength[] {
    return [...this.#queues].map(([queue, { holders, waiting }]) => ({
      ...{ queue, running: holders.size, waiting: waiting.length },
    }));
  }

  #queueOf(name: string): Queue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const queue: Queue = { holders: new Set(), waiting: [] };
    this.#queues.set(name, queue);
    return queue;
  }

  #admit(name: string): void {
    const queue = this.#queues.get(name);
    for (let next = queue?.waiting[0]; queue !== undefined && next !== undefined; next = queue.waiting[0]) {
      if (queue.holders.size >= next.limit) return;
      this.#enter(next);
    }
  }

  #enter(run: WaitingRun): void {
    this.hold(run.runId, run.queue);
    this.#start(run);
  }

  #forget(runId: string): void {
    const entry = this.#waiting.get(runId);
    if (entry === undefined) return;
    this.#waiting.delete(runId);
    const waiting = this.#queues.get(entry.run.queue)?.waiting ?? [];
    waiting.splice(waiting.indexOf(entry.run), 1);
    entry.turn.resolve(undefined);
  }

  /** Lets in who would wait for ever: every holder of its queue waits for a run that waits for ever too. Looks where something changed. */
  #relieve(names: readonly string[]): void {
    while (names.some((name) => this.#isBlocked(name))) {
      const [first] = this.#stuck().sort((a, b) => (isBefore(a, b) ? -1 : 1));
      if (first === undefined) return;
      this.#enter(first);
    }
  }

  /** Whether somebody waits in the queue and every holder of it waits for a run that waits. */
  #isBlocked(name: string): boolean {
    const queue = this.#queues.get(name);
    if (queue === undefined || queue.waiting.length === 0) return false;
    return [...queue.holders].every((holder) => this.#waitingFrom(holder, 1).length > 0);
  }

  /** The greatest set of waiting runs of which each is held up by the others only. */
  #stuck(): WaitingRun[] {
    let stuck = [...this.#waiting.values()].flatMap(({ run }) => (this.#parents.has(run.runId) ? [run] : []));
    for (let before = -1; before !== stuck.length;) {
      before = stuck.length;
      const waitedFor = new Set(stuck.flatMap(({ runId }) => this.#above(runId)));
      stuck = stuck.filter(({ queue }) =>
        [...(this.#queues.get(queue)?.holders ?? [])].every((holder) => waitedFor.has(holder)),
      );
    }
    return stuck;
  }

  /** The run and those below it that wait for a place; at most so many. */
  #waitingFrom(runId: string, max = Infinity): WaitingRun[] {
    const found: WaitingRun[] = [];
    const open = [runId];
    for (let next = open.pop(); next !== undefined && found.length < max; next = open.pop()) {
      const run = this.#waiting.get(next)?.run;
      if (run !== undefined) found.push(run);
      open.push(...(this.#children.get(next) ?? []));
    }
    return found;
  }

  #above(runId: string): string[] {
    const above: string[] = [];
    for (let next = this.#parents.get(runId); next !== undefined; next = this.#parents.get(next)) above.push(next);
    return above;
  }
}

function isBefore(a: WaitingRun, b: WaitingRun): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.createdAtMs === b.createdAtMs ? a.runId < b.runId : a.createdAtMs < b.createdAtMs;
}
