import { DatabaseSync } from "node:sqlite";

export type Synchronous = "FULL" | "NORMAL";

/** How long a connection waits for a lock that another program holds before it answers LM_DB_LOCKED. */
export const BUSY_TIMEOUT_MS = 5_000;
/** The journal shrinks to this after a checkpoint, so that one large write does not keep the space for ever. */
const JOURNAL_BYTES_MAX = 64 * 1024 * 1024;
/** Pages of 4 KiB in the log before a commit also copies them back: fewer stalls than the default of 1000 under load. */
const AUTOCHECKPOINT_PAGES = 4000;
/** Page cache of the writer, in KiB. */
const WRITER_CACHE_KIB = 16_000;
const READER_CACHE_KIB = 4_000;

export interface WritingConnectionOptions {
  path: string;
  synchronous: Synchronous;
  /** Default BUSY_TIMEOUT_MS. */
  busyTimeoutMs?: number;
}

/** The one connection that writes. `synchronous=FULL` survives loss of power; NORMAL only a crash of the process. */
export function openWritingConnection(options: WritingConnectionOptions): DatabaseSync {
  const db = new DatabaseSync(options.path, {
    enableForeignKeyConstraints: true,
    timeout: options.busyTimeoutMs ?? BUSY_TIMEOUT_MS,
  });
  try {
    // Takes effect only while the file is empty.
    db.exec("PRAGMA auto_vacuum = INCREMENTAL");
    db.exec("PRAGMA journal_mode = WAL");
    db.exec(`PRAGMA synchronous = ${options.synchronous}`);
    db.exec(`PRAGMA journal_size_limit = ${JOURNAL_BYTES_MAX}`);
    db.exec(`PRAGMA wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`);
    db.exec(`PRAGMA cache_size = -${WRITER_CACHE_KIB}`);
    // A damaged cell is an error at once instead of a wrong answer.
    db.exec("PRAGMA cell_size_check = ON");
    // A schema made by a stranger's hand runs no functions with side effects.
    db.exec("PRAGMA trusted_schema = OFF");
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A connection that cannot write. */
export function openReadingConnection(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  db.exec(`PRAGMA cache_size = -${READER_CACHE_KIB}`);
  db.exec("PRAGMA trusted_schema = OFF");
  db.exec("PRAGMA query_only = ON");
  return db;
}
