import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LogoMeshError } from "@logomesh/contracts/errors";
import { isSqliteError, mapSqliteError } from "./sqliteErrors.ts";

// One workbench for each workspace. The lock is an exclusive SQLite transaction on lock.db that stays open: the kernel releases its file
// locks when the process ends in any way. lock.json beside it only says who holds it; nobody decides by it.

const SQLITE_BUSY = 5;
/** Time that a workbench which is just ending gets to release the lock. */
const WAIT_MS = 250;

/**
 * Takes the workspace's lock; dispose to release it.
 * @param options.folder the workspace's `.logomesh` folder
 * @throws LogoMeshError LM_WORKSPACE_LOCKED with pid and port of the holder in `data`; LM_DB_*
 */
export function lockWorkspace(options: { folder: string; pid: number }): Disposable {
  const { folder, pid } = options;
  const db = new DatabaseSync(join(folder, "lock.db"), { timeout: WAIT_MS, open: false });
  try {
    db.open();
    db.exec("PRAGMA journal_mode = DELETE");
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    if (db.isOpen) db.close();
    if (isSqliteError(error) && (error.errcode & 0xff) === SQLITE_BUSY) throw lockedError(folder);
    throw mapSqliteError(error, `The lock ${join(folder, "lock.db")} could not be taken`);
  }
  const holderPath = join(folder, "lock.json");
  writeFileSync(holderPath, JSON.stringify({ pid }));
  return {
    [Symbol.dispose]() {
      if (!db.isOpen) return;
      rmSync(holderPath, { force: true });
      db.close();
    },
  };
}

function lockedError(folder: string): LogoMeshError {
  const pid = integerOf(folder, "lock.json", "pid");
  // server.json may be left over from a workbench that was killed.
  const port = integerOf(folder, "server.json", "pid") === pid ? integerOf(folder, "server.json", "port") : undefined;
  const who = pid === undefined ? "another process" : `process ${pid}`;
  const where = port === undefined ? "" : ` on port ${port}`;
  return new LogoMeshError(
    "LM_WORKSPACE_LOCKED",
    `The workspace is in use by ${who}${where}. Stop it, or use another workspace.`,
    {
      data: { ...(pid === undefined ? {} : { pid }), ...(port === undefined ? {} : { port }) },
    },
  );
}

/** The file is written by the holder, not under any lock of ours: anything may be in it, or nothing. */
function integerOf(folder: string, file: string, key: string): number | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(join(folder, file), "utf8"));
    if (typeof content !== "object" || content === null) return undefined;
    const value = (content as Record<string, unknown>)[key];
    return Number.isSafeInteger(value) ? (value as number) : undefined;
  } catch {
    // Only makes the message less precise.
    return undefined;
  }
}
