export type SqlValue = string | number | bigint | null | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

/** Read-only access to the database; sees everything that the writer acknowledged. */
export interface Reader {
  /** For short, indexed reads on the calling thread. Statements are cached. */
  get(sql: string, ...params: SqlValue[]): SqlRow | undefined;
  all(sql: string, ...params: SqlValue[]): SqlRow[];
  /** For lists, scans and full text: runs in the reader worker. */
  scan(sql: string, ...params: SqlValue[]): Promise<SqlRow[]>;
}
