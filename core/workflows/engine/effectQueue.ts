import { LogoMeshError } from "@logomesh/contracts";
import type { SharedPlaces } from "../executors/index.ts";

// Where steps wait for their turn. A step needs one of the engine's places and, where it shares something narrower with other steps (a
// plugin, the model's provider), a place there. It gets both at once or waits for both holding neither, so that no two steps can wait for
// each other. A free place goes to the highest priority; among equals the lines take turns, in a line its runs, and in a run the oldest.

/** Steps that wait, over all runs. One more is a sign that something starts steps without end, and each costs memory. */
const WAITING_MAX = 100_000;

export interface QueueOrder {
  runId: string;
  /** Of the run; higher goes first. */
  priority: number;
  /** Undefined: the engine's places only. */
  shared: SharedPlaces | undefined;
  signal: AbortSignal;
  /** Called when it does not get in at once, with what it waits for. */
  onWait: (reason: string) => void;
}

export interface QueueLength {
  name: string;
  running: number;
  waiting: number;
  /** Infinity: only the engine's own places count. */
  places: number;
}

interface Waiter {
  order: QueueOrder;
  enter: () => void;
}

/** Waiting steps with one priority, by run in the order of their turns. */
type Round = Map<string, Set<Waiter>>;

interface Line {
  name: string;
  places: number;
  running: number;
  waiting: number;
  rounds: Map<number, Round>;
}

const UNSHARED = "steps";

export class EffectQueue {
  readonly #places: number;
  readonly #waitingMax: number;
  /** In the order of their turns. */
  readonly #lines = new Map<string, Line>();
  #running = 0;
  #waiting = 0;

  constructor({ places, waitingMax = WAITING_MAX }: { places: number; waitingMax?: number }) {
    this.#places = places;
    this.#waitingMax = waitingMax;
  }

  /**
   * Resolves with what gives the place back. A waiter whose signal aborts leaves the line.
   * @throws LogoMeshError LM_WORKFLOW_QUEUE_FULL; the signal's reason
   */
  async enter(order: QueueOrder): Promise<() => void> {
    order.signal.throwIfAborted();
    const line = this.#lineOf(order.shared);
    if (this.#running < this.#places && line.running < line.places) {
      this.#running += 1;
      line.running += 1;
    } else await this.#wait(line, order);
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.#running -= 1;
      line.running -= 1;
      this.#admit();
      this.#tidy(line);
    };
  }

  /** All steps first, then the lines that are in use. */
  lengths(): QueueLength[] {
    const all = { name: "all", running: this.#running, waiting: this.#waiting, places: this.#places };
    const lines = [...this.#lines.values()].map(({ name, running, waiting, places }) => ({
      ...{ name, running, waiting, places },
    }));
    return [all, ...lines.sort((a, b) => (a.name < b.name ? -1 : 1))];
  }

  #lineOf(shared: SharedPlaces | undefined): Line {
    const { name, places } = shared ?? { name: UNSHARED, places: Infinity };
    const known = this.#lines.get(name);
    if (known !== undefined) {
      // What is said last counts: a model may answer at another place than before.
      if (known.places !== places) {
        known.places = places;
        this.#admit();
      }
      return known;
    }
    const line: Line = { name, places, running: 0, waiting: 0, rounds: new Map() };
    this.#lines.set(name, line);
    return line;
  }

  #wait(line: Line, order: QueueOrder): Promise<void> {
    if (this.#waiting >= this.#waitingMax)
      throw new LogoMeshError(
        "LM_WORKFLOW_QUEUE_FULL",
        `${this.#waitingMax} steps of runs wait already. Try again later.`,
      );
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#remove(line, waiter);
        this.#tidy(line);
        reject(order.signal.reason as Error);
      };
      const waiter: Waiter = {
        order,
        enter: () => {
          order.signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      this.#add(line, waiter);
      order.signal.addEventListener("abort", leave, { once: true });
      order.onWait(this.#reason(line));
    });
  }

  #reason(line: Line): string {
    const [what, running, places] =
      line.running >= line.places ? [line.name, line.running, line.places] : ["all steps", this.#running, this.#places];
    return `waits for its turn: ${running} of ${places} places of ${what} are taken`;
  }

  #add(line: Line, waiter: Waiter): void {
    const { priority, runId } = waiter.order;
    const round: Round = line.rounds.get(priority) ?? new Map<string, Set<Waiter>>();
    line.rounds.set(priority, round);
    const own = round.get(runId) ?? new Set();
    round.set(runId, own);
    own.add(waiter);
    line.waiting += 1;
    this.#waiting += 1;
  }

  #remove(line: Line, waiter: Waiter): void {
    const { priority, runId } = waiter.order;
    const round = line.rounds.get(priority);
    const own = round?.get(runId);
    own?.delete(waiter);
    if (own?.size === 0) round?.delete(runId);
    if (round?.size === 0) line.rounds.delete(priority);
    line.waiting -= 1;
    this.#waiting -= 1;
  }

  #admit(): void {
    while (this.#waiting > 0 && this.#running < this.#places) {
      const line = this.#nextLine();
      if (line === undefined) return;
      // Back to the end of the round: the next turn is another line's, and in this line another run's.
      this.#lines.delete(line.name);
      this.#lines.set(line.name, line);
      const round = line.rounds.get(highest(line)) as Round;
      const [[runId, own]] = round as Iterable<[string, Set<Waiter>]> as [[string, Set<Waiter>]];
      round.delete(runId);
      round.set(runId, own);
      const [waiter] = own as Iterable<Waiter> as [Waiter];
      this.#remove(line, waiter);
      this.#running += 1;
      line.running += 1;
      waiter.enter();
    }
  }

  /** The line whose turn it is: of those with a free place the one whose first has the highest priority. */
  #nextLine(): Line | undefined {
    let best: Line | undefined;
    for (const line of this.#lines.values()) {
      if (line.waiting === 0 || line.running >= line.places) continue;
      if (best === undefined || highest(line) > highest(best)) best = line;
    }
    return best;
  }

  #tidy(line: Line): void {
    if (line.running === 0 && line.waiting === 0 && this.#lines.get(line.name) === line) this.#lines.delete(line.name);
  }
}

function highest(line: Line): number {
  return Math.max(...line.rounds.keys());
}
