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

/** A long read-only computation by name; gets the database's path and opens its own connection. */
export type ReaderJob = (params: never) => unknown;
export type ReaderJobs = Readonly<Record<string, ReaderJob>>;

type Request = { id: number } & ({ sql: string; params: SqlValue[] } | { job: string; params: unknown });
type Response = { id: number } & ({ ok: true; value: unknown } | { ok: false; problem: Problem });

export interface ReaderThread {
  scan(sql: string, params: SqlValue[]): Promise<SqlRow[]>;
  job(name: string, params: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** A thread with one read-only connection; it starts with the first request. */
export function createReaderThread(options: { path: string; entry: URL; name: string }): ReaderThread {
  const { path, entry, name } = options;
  return new ReaderClient(() => new Worker(entry, { workerData: { path }, name }));
}

class ReaderClient implements ReaderThread {
  readonly #createWorker: () => Worker;
  readonly #pending = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  #worker: Worker | undefined;
  #nextId = 0;
  #ended: LogoMeshError | undefined;

  constructor(createWorker: () => Worker) {
    this.#createWorker = createWorker;
  }

  async scan(sql: string, params: SqlValue[]): Promise<SqlRow[]> {
    return (await this.#request((id) => ({ id, sql, params }))) as SqlRow[];
  }

  job(name: string, params: unknown): Promise<unknown> {
    return this.#request((id) => ({ id, job: name, params }));
  }

  async close(): Promise<void> {
    this.#ended ??= new LogoMeshError("LM_DB_FAILED", "The database is closed.");
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = this.#createWorker();
    worker.on("message", (response: Response) => {
      const entry = this.#pending.get(response.id);
      assert(entry !== undefined, `The reader thread answered a request that was not made: ${response.id}`);
      this.#pending.delete(response.id);
      if (response.ok) entry.resolve(response.value);
      else entry.reject(LogoMeshError.fromProblem(response.problem));
    });
    let cause: unknown;
    worker.on("error", (error: unknown) => {
      cause = error;
    });
    worker.on("exit", () => {
      this.#ended ??= new LogoMeshError("LM_DB_FAILED", "The reader thread ended.", { cause });
      for (const entry of this.#pending.values()) entry.reject(this.#ended);
      this.#pending.clear();
    });
    return worker;
  }

  #request(build: (id: number) => Request): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      if (this.#pending.size >= SCANS_PENDING_MAX) {
        return reject(
          new LogoMeshError("LM_DB_OVERLOADED", `${SCANS_PENDING_MAX} reads wait already. Try again later.`),
        );
      }
      const id = this.#nextId++;
      this.#worker ??= this.#start();
      this.#worker.postMessage(build(id));
      this.#pending.set(id, { resolve, reject });
    });
  }
}

/** The body of a reader thread. */
export function runReaderThread(jobs: ReaderJobs): void {
  assert(parentPort !== null, "runReaderThread belongs into a worker thread");
  serveReader({ jobs, port: parentPort, path: (workerData as { path: string }).path });
}

/** @internal The same over any port, so that it can be tested in process. */
export function serveReader({ jobs, port, path }: { jobs: ReaderJobs; port: MessagePort; path: string }): Disposable {
  let scan: ((sql: string, params: SqlValue[]) => SqlRow[]) | undefined;
  let db: ReturnType<typeof openReadingConnection> | undefined;
  const open = (): ((sql: string, params: SqlValue[]) => SqlRow[]) => {
    db = openReadingConnection(path);
    const sql = createStatementCache(db);
    return (text, params) => collect(sql(text).iterate(...params) as Iterable<SqlRow>);
  };
  const handle = async (request: Request): Promise<void> => {
    let response: Response;
    try {
      const value = "job" in request ? await runJob(jobs, request) : (scan ??= open())(request.sql, request.params);
      response = { id: request.id, ok: true, value };
    } catch (error) {
      response = { id: request.id, ok: false, problem: toProblem(mapSqliteError(error, "The read failed")) };
    }
    port.postMessage(response);
  };
  port.on("message", (request: Request) => void handle(request));
  return { [Symbol.dispose]: () => db?.close() };
}

function runJob(jobs: ReaderJobs, request: { job: string; params: unknown }): unknown {
  const job = Object.hasOwn(jobs, request.job) ? jobs[request.job] : undefined;
  assert(job !== undefined, `No reader job is called ${request.job}`);
  return job(request.params as never);
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
