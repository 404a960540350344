import { statSync } from "node:fs";
import { LogoMeshError } from "@logomesh/contracts/errors";
import { toLogoMeshError } from "../base/index.ts";
import type { Logger, Reader, SqlRow } from "../ports/index.ts";
import { openReadingConnection, type Synchronous } from "./connection.ts";
import type { NoticingWriter } from "./inlineWriter.ts";
import { loadMigrations, migrateDatabase } from "./migrate.ts";
import { createJobRunner, type JobRunner } from "./jobProcess.ts";
import { createReaderThread, type ReaderThread } from "./readerThread.ts";
import { mapSqliteError } from "./sqliteErrors.ts";
import { createStatementCache } from "./statementCache.ts";
import { createThreadWriter, type ThreadWriter } from "./writerThread.ts";

/** Up to this size a file is checked before it is used (some 30 ms); a larger one in the background after start. */
const CHECK_FIRST_BYTES_MAX = 32 * 1024 * 1024;

export interface OpenDatabaseOptions {
  path: string;
  /** FULL survives loss of power, NORMAL a crash of the process. */
  synchronous: Synchronous;
  /** Module of the writer thread: calls `runWriterThread`. */
  writerEntry: URL;
  /** Module of the reader thread: calls `runReaderThread`. */
  readerEntry: URL;
  /** Module of the processes for long computations: calls `serveJob` with a `db.quickCheck`. */
  jobEntry: URL;
  logger: Logger;
  /** The database can no longer be written: the writer thread ended, or the background check found damage. */
  onDidFail?: (error: LogoMeshError) => void;
}

export interface Database extends AsyncDisposable {
  readonly writer: NoticingWriter;
  readonly reader: Reader;
  /** Resolves with true when the whole file was found sound, false when it was not (writes are then refused). */
  readonly checked: Promise<boolean>;
  /** Runs a job of the job entry in a process of its own, which ends with it. */
  runJob(name: string, params: unknown): Promise<unknown>;
}

/**
 * Migrates, checks and opens the one database of a workspace. The caller holds the workspace lock.
 * @throws LogoMeshError LM_DB_SCHEMA_NEWER, LM_DB_CORRUPT, LM_DB_LOCKED, LM_DB_FULL, LM_DB_FAILED
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  const { path, logger } = options;
  migrateDatabase({ path, migrations: loadMigrations(new URL("./migrations/", import.meta.url)) });
  const checkFirst = statSync(path).size <= CHECK_FIRST_BYTES_MAX;
  await using stack = new AsyncDisposableStack();
  const writer = await createThreadWriter({
    path,
    synchronous: options.synchronous,
    checkFirst,
    entry: options.writerEntry,
    onDidFail: (error) => {
      logger.error({ code: error.code, cause: String(error.cause) }, "the writer thread ended");
      options.onDidFail?.(error);
    },
  });
  stack.defer(() => writer.close());
  const scans = createReaderThread({ path, entry: options.readerEntry });
  stack.defer(() => scans.close());
  const reader = stack.adopt(createReader({ path, scans }), (owned) => owned.close());
  const jobs = stack.use(createJobRunner(options.jobEntry));
  const owned = stack.move();
  return {
    writer,
    reader,
    runJob: (name, params) => jobs.run(name, params),
    checked: checkFirst ? Promise.resolve(true) : checkInBackground({ options, writer, jobs }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface BackgroundCheck {
  options: OpenDatabaseOptions;
  writer: ThreadWriter;
  jobs: JobRunner;
}

async function checkInBackground(check: BackgroundCheck): Promise<boolean> {
  const { options, writer, jobs } = check;
  try {
    await jobs.run("db.quickCheck", { path: options.path });
    return true;
  } catch (thrown) {
    if (jobs.isClosed()) return true;
    const error = toLogoMeshError(thrown);
    options.logger.error({ code: error.code, detail: error.message }, "the check of the database failed");
    if (error.code !== "LM_DB_CORRUPT") return false;
    writer.fence(error);
    options.onDidFail?.(error);
    return false;
  }
}

/** Reads on the calling thread; scans in the reader thread. */
function createReader({ path, scans }: { path: string; scans: ReaderThread }): Reader & { close(): void } {
  const db = openReadingConnection(path);
  const sql = createStatementCache(db);
  const read = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw mapSqliteError(error, "The read failed");
    }
  };
  return {
    get: (text, ...params) => read(() => sql(text).get(...params) as SqlRow | undefined),
    all: (text, ...params) => read(() => sql(text).all(...params) as SqlRow[]),
    scan: (text, ...params) => scans.scan(text, params),
    close: () => db.close(),
  };
}
