import type { DatabaseSync } from "node:sqlite";
import type { Reader } from "../ports/index.ts";
import { createStatementCache } from "./statementCache.ts";

/** A reader over an open connection, scans included: for tests and short-lived tools. */
export function createInlineReader(db: DatabaseSync): Reader {
  const sql = createStatementCache(db);
  return {
    get: (text, ...params) => sql(text).get(...params),
    all: (text, ...params) => sql(text).all(...params),
    scan: (text, ...params) => new Promise((resolve) => resolve(sql(text).all(...params))),
  };
}
