import { parentPort, receiveMessageOnPort, Worker, workerData, type MessagePort } from "node:worker_threads";
import { LogoMeshError, type Problem } from "@logomesh/contracts/errors";
import { assert, toProblem } from "../base/index.ts";
import type { Clock, Random, WriteCommand } from "../ports/index.ts";
import { openWritingConnection, type Synchronous } from "./connection.ts";
import { NoticeListeners, settle, type NoticeListener, type NoticingWriter } from "./inlineWriter.ts";
import { SpinGate } from "./spinGate.ts";
import { quickCheck } from "./quickCheck.ts";
import { mapSqliteError } from "./sqliteErrors.ts";
import type { CreateWriterModule } from "./writeContext.ts";
import { createWriterCore, type BatchOutcome, type WriterCore, type WriteUnit } from "./writer.ts";

// Two halves of one queue. Main thread: units collected until the end of the microtask go out in one message; at most
// UNITS_IN_FLIGHT_MAX are on their way, the rest wait here; beyond UNITS_WAITING_MAX callers are refused. Writer thread: takes every
// message that has arrived, applies all of it in one transaction, answers in the order of arrival. Both ends are FIFO, so units need no
// ids. When the thread dies, every unit without an answer is refused: whether it reached the disk is then unknown to its caller.

/** Units between the threads; bounds the memory of one transaction and the time until the first of them is acknowledged. */
const UNITS_IN_FLIGHT_MAX = 4_096;
/** Units that wait on the main thread; a caller beyond that is refused at once, so that a stuck disk cannot exhaust memory. */
const UNITS_WAITING_MAX = 100_000;

/** Up to so many units the disk's part of a commit outweighs everything else. */
const UNITS_UNDIVIDED_MAX = 16;

/** A commit with its way there and back takes this long on a good disk; so does what the main thread makes of its answer. */
const AWAKE_MS = 0.4;

/** What crosses to the thread. */
export type WriterRequest = { units: WriteUnit[] } | { close: true };
export type WriterResponse = { ready: true } | { failed: Problem } | { batch: BatchOutcome } | { closed: true };

export interface WriterThreadData {
  path: string;
  synchronous: Synchronous;
  /** Refuses a damaged file before anything is read from it. Done here, because the other thread has enough to do at start. */
  checkFirst: boolean;
}

export interface ThreadWriterOptions extends WriterThreadData {
  /** Module that calls `runWriterThread`. */
  entry: URL;
  /** The thread ended without being asked to: nothing can be written any more. */
  onDidFail?: (error: LogoMeshError) => void;
}

export interface ThreadWriter extends NoticingWriter {
  /** Refuses every later write with this error; what is on its way still commits. */
  fence(error: LogoMeshError): void;
  /** Commits what is queued, closes the connection and ends the thread. */
  close(): Promise<void>;
}

/** Starts the writer thread and resolves when its connection is open. */
export async function createThreadWriter(options: ThreadWriterOptions): Promise<ThreadWriter> {
  const { path, synchronous, checkFirst } = options;
  const data: WriterThreadData = { path, synchronous, checkFirst };
  const worker = new Worker(options.entry, { workerData: data, name: "writer" });
  const client = new WriterClient(worker, options.onDidFail);
  await client.ready;
  return client;
}

interface Pending {
  unit: WriteUnit;
  resolve(results: unknown[]): void;
  reject(error: unknown): void;
}

class WriterClient implements ThreadWriter {
  readonly ready: Promise<unknown>;
  readonly #worker: Worker;
  readonly #listeners = new NoticeListeners();
  readonly #inFlight = new Fifo<Pending>();
  readonly #waiting = new Fifo<Pending>();
  readonly #closed = Promise.withResolvers<undefined>();
  readonly #gate = new SpinGate(AWAKE_MS);
  /** Batches answered so far. */
  #answers = 0;
  #isAwake = false;
  #postScheduled = false;
  #closing = false;
  #refusal: LogoMeshError | undefined;

  constructor(worker: Worker, onDidFail: ((error: LogoMeshError) => void) | undefined) {
    this.#worker = worker;
    const ready = Promise.withResolvers<undefined>();
    this.ready = ready.promise;
    worker.on("message", (response: WriterResponse) => {
      if ("batch" in response) this.#answer(response.batch);
      else if ("ready" in response) ready.resolve(undefined);
      else if ("failed" in response) {
        // It ends with this answer, and who opens it is the one to be told.
        this.#closing = true;
        ready.reject(LogoMeshError.fromProblem(response.failed));
      }
    });
    let cause: unknown;
    worker.on("error", (error: unknown) => {
      cause = error;
    });
    worker.on("exit", () => {
      const error = new LogoMeshError(
        "LM_DB_FAILED",
        "The writer thread ended; nothing can be written until a restart.",
        { cause },
      );
      this.#refusal ??= error;
      for (const entry of this.#inFlight.take(Infinity)) entry.reject(error);
      for (const entry of this.#waiting.take(Infinity)) entry.reject(error);
      ready.reject(error);
      this.#closed.resolve(undefined);
      if (!this.#closing) onDidFail?.(error);
    });
  }

  run(commands: readonly WriteCommand[]): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      if (this.#refusal !== undefined) reject(this.#refusal);
      else if (this.#waiting.size >= UNITS_WAITING_MAX) reject(overloaded());
      else {
        this.#waiting.push({ unit: commands, resolve, reject });
        this.#schedulePost();
      }
    });
  }

  async flush(): Promise<void> {
    await this.run([]);
  }

  onDidCommit(moduleName: string, listener: NoticeListener): Disposable {
    return this.#listeners.add(moduleName, listener);
  }

  fence(error: LogoMeshError): void {
    this.#refusal ??= error;
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      if (this.#refusal === undefined) await this.flush();
      this.#refusal ??= new LogoMeshError("LM_DB_FAILED", "The database is closed.");
      this.#worker.postMessage({ close: true } satisfies WriterRequest);
    }
    await this.#closed.promise;
  }

  #schedulePost(): void {
    if (this.#postScheduled) return;
    this.#postScheduled = true;
    // After the microtasks of this turn: what the answers of one batch lead to goes out together, in one message.
    process.nextTick(() => {
      this.#postScheduled = false;
      this.#post();
    });
  }

  #post(): void {
    const entries = this.#waiting.take(UNITS_IN_FLIGHT_MAX - this.#inFlight.size);
    if (entries.length === 0) return;
    try {
      this.#worker.postMessage({ units: entries.map(({ unit }) => unit) } satisfies WriterRequest);
      for (const entry of entries) this.#inFlight.push(entry);
      this.#stayAwake();
    } catch (error) {
      this.#postOneByOne(entries, error);
    }
  }

  /** One unit holds something that cannot cross the boundary: only that unit fails. */
  #postOneByOne(entries: readonly Pending[], failure: unknown): void {
    const [only, ...others] = entries;
    if (only !== undefined && others.length === 0) return only.reject(failure);
    for (const entry of entries) {
      try {
        this.#worker.postMessage({ units: [entry.unit] } satisfies WriterRequest);
        this.#inFlight.push(entry);
      } catch (error) {
        entry.reject(error);
      }
    }
  }

  /** Keeps the event loop turning without sleep while the answer is due. */
  #stayAwake(): void {
    if (this.#isAwake) return;
    const untilMs = this.#gate.open(performance.now());
    if (untilMs === undefined) return;
    this.#isAwake = true;
    const answers = this.#answers;
    const turn = (): void => {
      if (this.#answers !== answers) {
        this.#isAwake = false;
        this.#gate.hit();
        if (this.#inFlight.size > 0) this.#stayAwake();
      } else if (performance.now() < untilMs) setImmediate(turn);
      else {
        this.#isAwake = false;
        this.#gate.miss();
      }
    };
    setImmediate(turn);
  }

  #answer(batch: BatchOutcome): void {
    this.#answers += 1;
    this.#listeners.emit(batch.notices);
    for (const outcome of batch.units) {
      const entry = this.#inFlight.shift();
      assert(entry !== undefined, "The writer thread answered more units than it was sent");
      settle(entry, outcome);
    }
    if (this.#waiting.size > 0) this.#schedulePost();
  }
}

function overloaded(): LogoMeshError {
  return new LogoMeshError(
    "LM_DB_OVERLOADED",
    `${UNITS_WAITING_MAX} writes wait for the disk already. Try again when it has caught up.`,
  );
}

/** A queue whose shift does not move the rest. */
class Fifo<T> {
  #items: T[] = [];
  #start = 0;

  get size(): number {
    return this.#items.length - this.#start;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    return this.take(1)[0];
  }

  take(count: number): T[] {
    const end = Math.min(this.#items.length, this.#start + Math.max(0, count));
    const taken = this.#items.slice(this.#start, end);
    this.#start = end;
    if (this.#start * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return taken;
  }
}

export interface RunWriterThreadOptions {
  modules: readonly CreateWriterModule[];
  clock: Clock;
  random: Random;
}

/** The body of the writer thread: opens the connection that `workerData` names and serves until it is told to close. */
export function runWriterThread(options: RunWriterThreadOptions): void {
  assert(parentPort !== null, "runWriterThread belongs into a worker thread");
  serveWriter({ ...options, port: parentPort, data: workerData as WriterThreadData });
}

/** @internal The same over any port, so that it can be tested in process. */
export function serveWriter(options: RunWriterThreadOptions & { port: MessagePort; data: WriterThreadData }): void {
  const { port, data } = options;
  const respond = (response: WriterResponse): void => port.postMessage(response);
  let core: WriterCore;
  let close: () => void;
  try {
    if (data.checkFirst) quickCheck(data);
    const db = openWritingConnection(data);
    core = createWriterCore({ db, modules: options.modules, clock: options.clock, random: options.random });
    close = () => db.close();
  } catch (error) {
    respond({ failed: toProblem(mapSqliteError(error, `The database ${data.path} could not be opened for writing`)) });
    port.close();
    return;
  }
  const arrived = new Fifo<WriteUnit>();
  let closing = false;
  const take = (request: WriterRequest): void => {
    if ("close" in request) closing = true;
    else for (const unit of request.units) arrived.push(unit);
  };
  const drain = (): void => {
    for (let next = nextRequest(port); next !== undefined; next = nextRequest(port)) take(next);
  };
  const gate = new SpinGate(AWAKE_MS);
  /** Stays awake for the next request where that pays. */
  const awaitMore = (): boolean => {
    const untilMs = gate.open(performance.now());
    if (untilMs === undefined) return false;
    while (arrived.size === 0 && !closing && performance.now() < untilMs) drain();
    if (arrived.size > 0 || closing) gate.hit();
    else gate.miss();
    return arrived.size > 0;
  };
  port.on("message", (first: WriterRequest) => {
    take(first);
    do {
      drain();
      while (arrived.size > 0) {
        answer(respond, core.execute(arrived.take(batchSize(arrived.size))));
        drain();
      }
    } while (!closing && awaitMore());
    if (!closing) return;
    close();
    respond({ closed: true });
    port.close();
  });
  respond({ ready: true });
}

/**
 * How many of the units that wait share the next commit. All of a few; of many the first half, so that while this thread applies one half
 * the main thread works on what the other half led to. Two smaller commits cost less than two threads that wait for each other.
 */
function batchSize(waiting: number): number {
  return waiting <= UNITS_UNDIVIDED_MAX ? waiting : Math.ceil(waiting / 2);
}

function nextRequest(port: MessagePort): WriterRequest | undefined {
  return (receiveMessageOnPort(port) as { message: WriterRequest } | undefined)?.message;
}

/** A command that answers something that cannot cross the boundary is a bug; it must not leave its neighbours unanswered. */
function answer(respond: (response: WriterResponse) => void, batch: BatchOutcome): void {
  try {
    respond({ batch });
  } catch {
    // Find the culprit: everything was committed, so the others get their results.
    respond({ batch: { units: batch.units.map(cloneable), notices: batch.notices } });
  }
}

function cloneable(outcome: BatchOutcome["units"][number]): BatchOutcome["units"][number] {
  try {
    return structuredClone(outcome);
  } catch (error) {
    return { ok: false, problem: toProblem(error) };
  }
}
