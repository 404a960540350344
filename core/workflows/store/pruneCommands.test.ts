import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import type { WriteContext } from "../../db/index.ts";
import { createTempFolder } from "../../testing/index.ts";
import { shrink } from "./pruneCommands.ts";

test("[WF68] free space goes back to the file system in steps of a given size, inside of a transaction", () => {
  using folder = createTempFolder();
  const path = join(folder.path, "a.db");
  const db = new DatabaseSync(path);
  db.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; CREATE TABLE a (x BLOB);");
  db.exec(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO a SELECT zeroblob(4000) FROM n",
  );
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const fullBytes = statSync(path).size;
  db.exec("DELETE FROM a");
  const context = { sql: (text: string) => db.prepare(text) } as unknown as WriteContext;
  const step = (): number => {
    db.exec("BEGIN IMMEDIATE");
    const bytes = shrink(context, { bytesMax: 1024 * 1024 });
    db.exec("COMMIT");
    return bytes;
  };
  const steps = [step()];
  while (steps.at(-1) !== 0) steps.push(step());
  expect(steps.length).toBeGreaterThan(3);
  expect(Math.max(...steps)).toBeLessThanOrEqual(1024 * 1024 + 8192);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  expect(statSync(path).size).toBeLessThan(fullBytes / 10);
  db.close();
});
