import {
  ActorSchema,
  ApprovalSchema,
  JsonObjectSchema,
  JsonValueSchema,
  LogoMeshError,
  type Actor,
  type Approval,
  type ApprovalQuery,
  type JsonObject,
  type JsonValue,
  type Page,
} from "@logomesh/contracts";
import type { Reader, SqlRow, SqlValue } from "../ports/index.ts";

const COLUMNS = `id, kind, title, requested_by, run, task, plugin, content_hash, status, created_at, expires_at, decision, decided_at,
  decided_by, comment, settled_at, undo_requested_at, undo_requested_by, undone_at`;

/** An approval with what only the inbox itself needs. */
export interface StoredApproval {
  approval: Approval;
  payload: JsonObject;
  outcome?: JsonValue;
  decision?: "approved" | "rejected" | "expired";
  undoRequestedBy?: Actor;
}

/** Newest first; the cursor is `<created_at>.<id>` of the last item. */
export async function readApprovalPage(reader: Reader, query: ApprovalQuery): Promise<Page<Approval>> {
  const conditions: string[] = [];
  const params: SqlValue[] = [];
  if (query.cursor !== undefined) {
    conditions.push("(created_at, id) < (?, ?)");
    params.push(...parseCursor(query.cursor));
  }
  for (const column of ["kind", "status"] as const) {
    const value = query[column];
    if (value === undefined) continue;
    conditions.push(`${column} = ?`);
    params.push(value);
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const rows = await reader.scan(
    `SELECT ${COLUMNS} FROM approval ${where} ORDER BY created_at DESC, id DESC LIMIT ?`,
    ...params,
    query.limit + 1,
  );
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const isMore = rows.length > query.limit && last !== undefined;
  return { items: page.map(toApproval), nextCursor: isMore ? `${String(last.created_at)}.${String(last.id)}` : null };
}

/** @throws LogoMeshError LM_APPROVAL_NOT_FOUND */
export function readApproval(reader: Reader, id: string): StoredApproval {
  const row = reader.get(`SELECT ${COLUMNS}, payload, outcome FROM approval WHERE id = ?`, id);
  if (row === undefined) throw new LogoMeshError("LM_APPROVAL_NOT_FOUND", `There is no approval ${id}.`);
  const { decision, outcome, undo_requested_by } = row;
  return {
    approval: toApproval(row),
    payload: JsonObjectSchema.parse(JSON.parse(String(row.payload))),
    ...(outcome === null ? {} : { outcome: JsonValueSchema.parse(JSON.parse(String(outcome))) }),
    ...(decision === null ? {} : { decision: decision as NonNullable<StoredApproval["decision"]> }),
    ...(undo_requested_by === null
      ? {}
      : { undoRequestedBy: ActorSchema.parse(JSON.parse(String(undo_requested_by))) }),
  };
}

export function countPending(reader: Reader): number {
  return Number(reader.get("SELECT count(*) AS n FROM approval WHERE status = 'pending'")?.n);
}

/** Ids of what was decided but not carried out, and of undos that did not end; oldest first. */
export function listUnsettled(reader: Reader): string[] {
  const rows = reader.all(`SELECT id FROM approval
    WHERE (decision IS NOT NULL AND settled_at IS NULL) OR (undo_requested_at IS NOT NULL AND undone_at IS NULL) ORDER BY id`);
  return rows.map(({ id }) => String(id));
}

/** What waits and has an end, the soonest first; at most `limit`. */
export function listExpiring(
  reader: Reader,
  limit: number,
): { id: string; contentHash: string; expiresAtMs: number }[] {
  const rows = reader.all(
    "SELECT id, content_hash, expires_at FROM approval WHERE status = 'pending' AND expires_at IS NOT NULL ORDER BY expires_at LIMIT ?",
    limit,
  );
  return rows.map(({ id, content_hash, expires_at }) => ({
    id: String(id),
    contentHash: String(content_hash),
    expiresAtMs: Number(expires_at),
  }));
}

function toApproval(row: SqlRow): Approval {
  const text = (name: string, value: SqlValue | undefined) => (value === null ? {} : { [name]: String(value) });
  const time = (name: string, value: SqlValue | undefined) =>
    value === null ? {} : { [name]: new Date(Number(value)).toISOString() };
  const actor = (name: string, value: SqlValue | undefined) =>
    value === null ? {} : { [name]: ActorSchema.parse(JSON.parse(String(value))) };
  const isUndone = row.undone_at !== null;
  return ApprovalSchema.parse({
    ...{ id: row.id, kind: row.kind, title: row.title, status: row.status, contentHash: row.content_hash },
    ...actor("requestedBy", row.requested_by),
    trace: { ...text("run", row.run), ...text("task", row.task), ...text("plugin", row.plugin) },
    ...time("createdAt", row.created_at),
    ...time("expiresAt", row.expires_at),
    ...time("decidedAt", row.decided_at),
    ...actor("decidedBy", row.decided_by),
    ...text("comment", row.comment),
    ...time("settledAt", row.settled_at),
    ...(isUndone ? { ...time("undoneAt", row.undone_at), ...actor("undoneBy", row.undo_requested_by) } : {}),
  });
}

/** @throws LogoMeshError LM_INPUT_INVALID */
function parseCursor(cursor: string): [createdAt: number, id: string] {
  const [, createdAt, id] = /^(\d{1,15})\.([a-z0-9_]{1,80})$/.exec(cursor) ?? [];
  if (createdAt === undefined || id === undefined) {
    throw new LogoMeshError("LM_INPUT_INVALID", "The cursor is not one that a page of approvals gave.");
  }
  return [Number(createdAt), id];
}
