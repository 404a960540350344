import { LogoMeshError, type ErrorCode } from "@logomesh/contracts/errors";
import { messageOf } from "../base/index.ts";

/** Primary result codes (https://sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
/** The wal-index could not grow: on a healthy disk that means no space. */
const SQLITE_IOERR_SHMSIZE = 4874;

interface SqliteError extends Error {
  errcode: number;
}

/** True for an error that SQLite itself reported. */
export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number";
}

/** Gives SQLite's result codes their place in the error catalogue; passes everything else through. */
export function mapSqliteError(error: unknown, doing: string): unknown {
  if (!isSqliteError(error)) return error;
  const code = codeOf(error.errcode);
  return new LogoMeshError(code, `${doing}: ${messageOf(error)} (SQLite result code ${error.errcode}).`, {
    cause: error,
    data: { sqliteCode: error.errcode },
  });
}

function codeOf(extendedCode: number): ErrorCode {
  if (extendedCode === SQLITE_IOERR_SHMSIZE) return "LM_DB_FULL";
  switch (extendedCode & 0xff) {
    case SQLITE_FULL:
      return "LM_DB_FULL";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "LM_DB_LOCKED";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "LM_DB_CORRUPT";
    default:
      return "LM_DB_FAILED";
  }
}
