import { parentPort, Worker, workerData, type MessagePort } from "node:worker_threads";
import { LogoMeshError, type Problem } from "@logomesh/contracts/errors";
import { assert, toProblem } from "../base/index.ts";
import type { SqlRow, SqlValue } from "../ports/index.ts";
import { openReadingConnection } from "./connection.ts";
import { mapSqliteError } from "./sqliteErrors.ts";
import { createStatementCache } from "./statementCache.ts";

/** A scan that gives more rows than this needs a LIMIT: the answer is held in memory on both sides. */
const SCAN_ROWS_MAX = 100_000;
/** Scans that wait for the reader thread; more means that clients ask faster than the disk reads. */
const SCANS_PENDING_MAX = 1_000;
/** A thread without work costs 17 MB; a new one takes some 60 ms. */
const IDLE_MS = 15_000;

interface Request {
  id: number;
  sql: string;
  params: SqlValue[];
}
type Response = { id: number } & ({ ok: true; value: SqlRow[] } | { ok: false; problem: Problem });

export interface ReaderThread {
  scan(sql: string, params: SqlValue[]): Promise<SqlRow[]>;
  close(): Promise<void>;
}

/** A thread with one read-only connection; it starts with a scan and ends when there was none for a while. */
export function createReaderThread(options: { path: string; entry: URL; idleMs?: number }): ReaderThread {
  const { path, entry, idleMs = IDLE_MS } = options;
  return new ReaderClient(() => new Worker(entry, { workerData: { path }, name: "reader" }), idleMs);
}

class ReaderClient implements ReaderThread {
  readonly #createWorker: () => Worker;
  readonly #pending = new Map<number, { resolve(value: SqlRow[]): void; reject(error: unknown): void }>();
  readonly #idleMs: number;
  #worker: Worker | undefined;
  #nextId = 0;
  #closed: LogoMeshError | undefined;

  constructor(createWorker: () => Worker, idleMs: number) {
    this.#createWorker = createWorker;
    this.#idleMs = idleMs;
  }

  scan(sql: string, params: SqlValue[]): Promise<SqlRow[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed);
      if (this.#pending.size >= SCANS_PENDING_MAX) {
        return reject(
          new LogoMeshError("LM_DB_OVERLOADED", `${SCANS_PENDING_MAX} reads wait already. Try again later.`),
        );
      }
      const id = this.#nextId++;
      this.#worker ??= this.#start();
      this.#worker.postMessage({ id, sql, params } satisfies Request);
      this.#pending.set(id, { resolve, reject });
    });
  }

  async close(): Promise<void> {
    this.#closed ??= new LogoMeshError("LM_DB_FAILED", "The database is closed.");
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = this.#createWorker();
    const idle = setTimeout(() => {
      if (this.#pending.size > 0) return void idle.refresh();
      this.#worker = undefined;
      void worker.terminate();
    }, this.#idleMs).unref();
    worker.on("message", (response: Response) => {
      const entry = this.#pending.get(response.id);
      assert(entry !== undefined, `The reader thread answered a request that was not made: ${response.id}`);
      this.#pending.delete(response.id);
      idle.refresh();
      if (response.ok) entry.resolve(response.value);
      else entry.reject(LogoMeshError.fromProblem(response.problem));
    });
    let cause: unknown;
    worker.on("error", (error: unknown) => {
      cause = error;
    });
    worker.on("exit", () => {
      clearTimeout(idle);
      // What was let go had nothing to do; what waits now belongs to another thread.
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      const error = this.#closed ?? new LogoMeshError("LM_DB_FAILED", "The reader thread ended.", { cause });
      for (const entry of this.#pending.values()) entry.reject(error);
      this.#pending.clear();
    });
    return worker;
  }
}

/** The body of a reader thread. */
export function runReaderThread(): void {
  assert(parentPort !== null, "runReaderThread belongs into a worker thread");
  serveReader({ port: parentPort, path: (workerData as { path: string }).path });
}

/** @internal The same over any port, so that it can be tested in process. */
export function serveReader({ port, path }: { port: MessagePort; path: string }): Disposable {
  let db: ReturnType<typeof openReadingConnection> | undefined;
  let sql: ReturnType<typeof createStatementCache> | undefined;
  const scan = (text: string, params: SqlValue[]): SqlRow[] => {
    db ??= openReadingConnection(path);
    sql ??= createStatementCache(db);
    return collect(sql(text).iterate(...params) as Iterable<SqlRow>);
  };
  port.on("message", (request: Request) => {
    let response: Response;
    try {
      response = { id: request.id, ok: true, value: scan(request.sql, request.params) };
    } catch (error) {
      response = { id: request.id, ok: false, problem: toProblem(mapSqliteError(error, "The read failed")) };
    }
    port.postMessage(response);
  });
  return { [Symbol.dispose]: () => db?.close() };
}

function collect(rows: Iterable<SqlRow>): SqlRow[] {
  const collected: SqlRow[] = [];
  for (const row of rows) {
    if (collected.length === SCAN_ROWS_MAX) {
      throw new LogoMeshError("LM_TOO_LARGE", `The read gives more than ${SCAN_ROWS_MAX} rows; ask for a page of it.`);
    }
    // Statement rows have no prototype; a plain object compares and clones like any other.
    collected.push({ ...row });
  }
  return collected;
}
