import type { DatabaseSync, StatementSync } from "node:sqlite";
import { assert } from "../base/index.ts";

/** Texts are constants of the code, so there are few; a number this high means that values were pasted into SQL. */
const STATEMENTS_MAX = 2000;

/** Prepares each SQL text once for a connection. */
export function createStatementCache(db: DatabaseSync): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return (sql) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    assert(
      statements.size < STATEMENTS_MAX,
      `More than ${STATEMENTS_MAX} different SQL texts; pass values as parameters`,
    );
    const statement = db.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
}
