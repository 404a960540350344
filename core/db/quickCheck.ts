import { LogoMeshError } from "@logomesh/contracts/errors";
import { openReadingConnection } from "./connection.ts";
import { mapSqliteError } from "./sqliteErrors.ts";

/** Faults that the error names; the first few tell which table to restore. */
const FAULTS_MAX = 5;

/**
 * Reads the whole file and checks that every page and record is well-formed (about 1 ms for each MB that is in memory).
 * @throws LogoMeshError LM_DB_CORRUPT
 */
export function quickCheck({ path }: { path: string }): void {
  let faults: string[];
  try {
    const db = openReadingConnection(path);
    try {
      faults = db
        .prepare(`PRAGMA quick_check(${FAULTS_MAX})`)
        .all()
        .map((row) => String(row.quick_check));
    } finally {
      db.close();
    }
  } catch (error) {
    throw mapSqliteError(error, `The database ${path} could not be checked`);
  }
  if (faults.length === 1 && faults[0] === "ok") return;
  throw new LogoMeshError("LM_DB_CORRUPT", `The database ${path} is damaged: ${faults.join("; ")}`, {
    data: { faults },
  });
}
