import { LogoMeshError } from "@logomesh/contracts/errors";
import type { CreateWriterModule, WriteContext } from "../db/index.ts";

// The write half of the inbox. Every change of state is conditional on the state before it, so of two that are asked at the same time
// the second is refused, and with it the log entry in its unit.

/** What of one requester may wait at once: a plugin that floods the inbox fills its own share only. */
const PENDING_MAX = 50;
const PENDING_BYTES_MAX = 64 * 1024 * 1024;

export interface InsertApprovalParams {
  id: string;
  kind: string;
  title: string;
  requestedBy: string;
  run: string | null;
  task: string | null;
  plugin: string | null;
  contentHash: string;
  payload: string;
  payloadBytes: number;
  createdAtMs: number;
  expiresAtMs: number | null;
}

export interface DecideParams {
  id: string;
  decision: "approved" | "rejected" | "expired";
  contentHash: string;
  decidedBy: string;
  comment: string | null;
}

export interface SettleParams {
  id: string;
  isFailed: boolean;
  /** JSON text. */
  outcome: string;
}

const INSERT = `INSERT INTO approval
  (id, kind, title, requested_by, run, task, plugin, content_hash, payload, payload_bytes, status, created_at, expires_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)`;
const WAITING = `SELECT count(*) AS n, coalesce(sum(payload_bytes), 0) AS bytes FROM approval
  WHERE status = 'pending' AND requested_by = ?`;
const DECIDE = `UPDATE approval SET status = ?, decision = ?, decided_at = ?, decided_by = ?, comment = ? WHERE id = ?`;
const SETTLE = `UPDATE approval SET status = iif(?, 'failed', status), settled_at = ?, outcome = ?
  WHERE id = ? AND decision IS NOT NULL AND settled_at IS NULL`;
const REQUEST_UNDO = `UPDATE approval SET undo_requested_at = ?, undo_requested_by = ?
  WHERE id = ? AND status = 'approved' AND settled_at IS NOT NULL AND undo_requested_at IS NULL`;
const UNDONE = `UPDATE approval SET status = 'undone', undone_at = ?
  WHERE id = ? AND undo_requested_at IS NOT NULL AND undone_at IS NULL`;
const KEPT = `UPDATE approval SET undo_requested_at = NULL, undo_requested_by = NULL
  WHERE id = ? AND undo_requested_at IS NOT NULL AND undone_at IS NULL`;

/** Commands `approvals.insert`, `.decide`, `.settle`, `.requestUndo`, `.undone`, `.kept` (an undo that failed). */
export const createApprovalsWriterModule: CreateWriterModule = () => ({
  name: "approvals",
  commands: {
    "approvals.insert": insert,
    "approvals.decide": decide,
    "approvals.settle": (context: WriteContext, { id, isFailed, outcome }: SettleParams): void => {
      requireChange(id, context.sql(SETTLE).run(isFailed ? 1 : 0, context.clock.nowMs(), outcome, id).changes);
    },
    "approvals.requestUndo": (context: WriteContext, { id, actor }: { id: string; actor: string }): void => {
      if (context.sql(REQUEST_UNDO).run(context.clock.nowMs(), actor, id).changes === 1) return;
      const status = String(context.sql("SELECT status FROM approval WHERE id = ?").get(id)?.status);
      throw new LogoMeshError(
        "LM_APPROVAL_NOT_UNDOABLE",
        `The approval ${id} is ${status}; there is nothing to undo.`,
        {
          data: { status },
        },
      );
    },
    "approvals.undone": (context: WriteContext, { id }: { id: string }): void => {
      requireChange(id, context.sql(UNDONE).run(context.clock.nowMs(), id).changes);
    },
    "approvals.kept": (context: WriteContext, { id }: { id: string }): void => {
      requireChange(id, context.sql(KEPT).run(id).changes);
    },
  },
});

function insert(context: WriteContext, row: InsertApprovalParams): void {
  const { n = 0, bytes = 0 } = context.sql(WAITING).get(row.requestedBy) ?? {};
  if (Number(n) >= PENDING_MAX || Number(bytes) + row.payloadBytes > PENDING_BYTES_MAX) {
    throw new LogoMeshError(
      "LM_APPROVAL_INBOX_FULL",
      `${String(n)} requests of this requester wait for a person (${String(bytes)} bytes); at most ${PENDING_MAX} and ${PENDING_BYTES_MAX} bytes may.`,
    );
  }
  const { id, kind, title, requestedBy, run, task, plugin, contentHash, payload, payloadBytes } = row;
  const values = [id, kind, title, requestedBy, run, task, plugin, contentHash, payload, payloadBytes];
  context.sql(INSERT).run(...values, row.createdAtMs, row.expiresAtMs);
}

function decide(context: WriteContext, params: DecideParams): void {
  const { id, decision, contentHash, decidedBy, comment } = params;
  const row = context.sql("SELECT status, content_hash, expires_at FROM approval WHERE id = ?").get(id);
  if (row === undefined) throw new LogoMeshError("LM_APPROVAL_NOT_FOUND", `There is no approval ${id}.`);
  const nowMs = context.clock.nowMs();
  const isDue = row.expires_at !== null && Number(row.expires_at) <= nowMs;
  if (row.status !== "pending" || (decision === "expired" ? !isDue : isDue)) {
    const status = row.status === "pending" && isDue ? "expired" : String(row.status);
    throw new LogoMeshError("LM_APPROVAL_DECIDED", `The approval ${id} is ${status}; this decision changed nothing.`, {
      data: { status },
    });
  }
  if (row.content_hash !== contentHash) {
    throw new LogoMeshError(
      "LM_APPROVAL_CONTENT",
      `The decision is about content ${contentHash}, but ${id} holds ${String(row.content_hash)}. Look at it again.`,
      { data: { contentHash: String(row.content_hash) } },
    );
  }
  context.sql(DECIDE).run(decision, decision, nowMs, decidedBy, comment, id);
}

/** Only the service asks for these, once for each approval. */
function requireChange(id: string, changes: number | bigint): void {
  if (Number(changes) === 1) return;
  throw new LogoMeshError("LM_CONFLICT", `The approval ${id} is in another state by now.`);
}
