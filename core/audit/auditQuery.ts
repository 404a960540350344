import { isUtf8 } from "node:buffer";
import {
  AuditEntryBodySchema,
  LogoMeshError,
  type AuditEntry,
  type AuditQuery,
  type Page,
  type PageQuery,
} from "@logomesh/contracts";
import type { Reader, SqlRow, SqlValue } from "../ports/index.ts";
import { payloadId, ROLES_MAX } from "./entry.ts";

/** Entries whose payloads one page of a full-text query reads at most; the cursor goes on from there. */
const TEXT_SCAN_ENTRIES_MAX = 20_000;

/** What the index of statuses leaves out. */
const ENDED_WELL: ReadonlySet<string> = new Set(["ok", "completed"]);

/** Reads the log, newest entry first. */
export async function queryEntries(reader: Reader, query: PageQuery & AuditQuery): Promise<Page<AuditEntry>> {
  const before = parseCursor(query.cursor);
  const { conditions, params } = filters(query);
  if (before !== undefined) {
    conditions.push("e.seq < ?");
    params.push(before);
  }
  if (query.q !== undefined && query.q !== "")
    return queryText(reader, { query, text: query.q, conditions, params, before });
  const rows = await reader.scan(
    `SELECT e.body, e.leaf FROM audit_entry e ${where(conditions)} ORDER BY e.seq DESC LIMIT ?`,
    ...params,
    query.limit + 1,
  );
  const items = rows.slice(0, query.limit).map(toEntry);
  return { items, nextCursor: rows.length > query.limit ? String(items.at(-1)?.seq) : null };
}

interface TextQuery {
  query: PageQuery & AuditQuery;
  text: string;
  conditions: string[];
  params: SqlValue[];
  before: number | undefined;
}

/**
 * Substrings of payloads and bodies (ASCII letters in either case), over a bounded stretch of the log: a page may hold fewer entries
 * than its limit and still have a next one.
 */
async function queryText(reader: Reader, options: TextQuery): Promise<Page<AuditEntry>> {
  const { query, conditions, params } = options;
  const newest = Number(reader.get("SELECT max(seq) AS seq FROM audit_entry")?.seq ?? -1);
  const from = Math.min(options.before ?? Infinity, newest + 1);
  const floor = Math.max(0, from - TEXT_SCAN_ENTRIES_MAX);
  const pattern = `%${options.text.replaceAll(/[\\%_]/g, "\\$&")}%`;
  const matches = `(CAST(e.body AS TEXT) LIKE ? ESCAPE '\\' OR EXISTS (
    SELECT 1 FROM audit_payload p WHERE p.id >= e.seq * ${ROLES_MAX} AND p.id < (e.seq + 1) * ${ROLES_MAX}
      AND CAST(p.bytes AS TEXT) LIKE ? ESCAPE '\\'))`;
  const rows = await reader.scan(
    `SELECT e.body, e.leaf FROM audit_entry e ${where([...conditions, "e.seq >= ?", matches])} ORDER BY e.seq DESC LIMIT ?`,
    ...params,
    floor,
    pattern,
    pattern,
    query.limit + 1,
  );
  const items = rows.slice(0, query.limit).map(toEntry);
  if (rows.length > query.limit) return { items, nextCursor: String(items.at(-1)?.seq) };
  return { items, nextCursor: floor > 0 ? String(floor) : null };
}

function filters(query: AuditQuery): { conditions: string[]; params: SqlValue[] } {
  const conditions: string[] = [];
  const params: SqlValue[] = [];
  const add = (condition: string, value: string | number | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    params.push(value);
  };
  add("e.kind = ?", query.kind);
  add("e.actor_id = ?", query.actor);
  add("e.model = ?", query.model);
  add("e.run = ?", query.run);
  add("e.plugin = ?", query.plugin);
  add("e.status = ?", query.status);
  // Repeats the condition of the partial index word for word, so that it may be used.
  if (query.status !== undefined && !ENDED_WELL.has(query.status))
    conditions.push("e.status NOT IN ('ok', 'completed')");
  add("e.ts_ms >= ?", query.from === undefined ? undefined : Date.parse(query.from));
  add("e.ts_ms <= ?", query.to === undefined ? undefined : Date.parse(query.to));
  return { conditions, params };
}

/**
 * One entry with the text of its payloads.
 * @throws LogoMeshError LM_NOT_FOUND
 */
export function readEntry(reader: Reader, seq: number): AuditEntry {
  const row = Number.isSafeInteger(seq)
    ? reader.get("SELECT body, leaf FROM audit_entry WHERE seq = ?", seq)
    : undefined;
  if (row === undefined) throw new LogoMeshError("LM_NOT_FOUND", `The audit log has no entry ${seq}.`);
  const payloads: Record<string, string> = {};
  const rows = reader.all(
    "SELECT role, bytes FROM audit_payload WHERE id >= ? AND id < ? ORDER BY id",
    payloadId(seq, 0),
    payloadId(seq + 1, 0),
  );
  for (const { role, bytes } of rows) {
    if (bytes instanceof Uint8Array && isUtf8(bytes)) payloads[String(role)] = Buffer.from(bytes).toString("utf8");
  }
  return { ...toEntry(row), payloads };
}

export function toEntry(row: SqlRow): AuditEntry {
  const body: unknown = JSON.parse(Buffer.from(row.body as Uint8Array).toString("utf8"));
  return { ...AuditEntryBodySchema.parse(body), leaf: Buffer.from(row.leaf as Uint8Array).toString("hex") };
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
}

/** @throws LogoMeshError LM_INPUT_INVALID */
export function parseCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const position = /^\d{1,15}$/.test(cursor) ? Number(cursor) : undefined;
  if (position === undefined)
    throw new LogoMeshError("LM_INPUT_INVALID", "The cursor is not one that a page of the audit log gave.");
  return position;
}
