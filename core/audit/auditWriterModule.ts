import { LogoMeshError } from "@logomesh/contracts/errors";
import type { CreateWriterModule, WriteContext } from "../db/index.ts";
import { entryBody, payloadId, type AppendParams } from "./entry.ts";
import { Frontier, leafHash } from "./merkle.ts";

// The write half of the log. The frontier lives in memory and goes to the head row once for each transaction, before its commit; it
// returns to its mark when a unit or the whole transaction is rolled back. Sequence numbers are therefore contiguous by construction.

/** Told to the main thread after a commit that appended. */
export interface AuditNotice {
  size: number;
}

export interface AuditHead {
  log: string;
  size: number;
  root: Uint8Array;
}

const INSERT_ENTRY = `INSERT INTO audit_entry
  (seq, ts_ms, kind, actor_type, actor_id, run, task, plugin, model, status, body, leaf) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const INSERT_PAYLOAD = "INSERT INTO audit_payload (id, role, salt, bytes) VALUES (?, ?, ?, ?)";

interface Head {
  readonly log: string | undefined;
  readonly frontier: Frontier;
}

/** Commands `audit.open`, `audit.append`, `audit.appendAll`, `audit.head`, `audit.checkpoint`. */
export const createAuditWriterModule: CreateWriterModule = (connection) => {
  let head = readHead(connection);
  let storedSize = head.frontier.size;
  let noticedSize = storedSize;
  const open = (context: WriteContext, { log }: { log: string }): { log: string; size: number } => {
    const stored = head.log;
    if (stored !== undefined) {
      requireWholeTail(context, head.frontier.size);
      return { log: stored, size: head.frontier.size };
    }
    context.sql("INSERT INTO audit_head (id, log, size, frontier) VALUES (1, ?, 0, ?)").run(log, new Uint8Array(0));
    head = { ...head, log };
    return { log, size: 0 };
  };
  const append = (context: WriteContext, params: AppendParams): { seq: number } => {
    if (head.log === undefined) throw new LogoMeshError("LM_AUDIT_UNWRITABLE", "The audit log is not open.");
    const seq = head.frontier.size;
    const tsMs = context.clock.nowMs();
    const body = entryBody(params, { seq, tsMs });
    const leaf = leafHash(body);
    const { kind, actorType, actorId, run, task, plugin, model, status } = params.columns;
    context.sql(INSERT_ENTRY).run(seq, tsMs, kind, actorType, actorId, run, task, plugin, model, status, body, leaf);
    params.payloads.forEach(({ role, salt, bytes }, position) =>
      context
        .sql(INSERT_PAYLOAD)
        .run(
          payloadId(seq, position),
          role,
          Buffer.from(salt, "hex"),
          typeof bytes === "string" ? Buffer.from(bytes) : bytes,
        ),
    );
    head = { ...head, frontier: head.frontier.append(leaf) };
    return { seq };
  };
  return {
    name: "audit",
    commands: {
      "audit.open": open,
      "audit.append": append,
      "audit.appendAll": (context: WriteContext, entries: readonly AppendParams[]): void => {
        for (const params of entries) append(context, params);
      },
      "audit.head": (): AuditHead => ({
        log: head.log ?? "",
        size: head.frontier.size,
        root: head.frontier.root(),
      }),
      "audit.checkpoint": (context: WriteContext, { size, note }: { size: number; note: string }) => {
        context.sql("INSERT INTO audit_checkpoint (size, note) VALUES (?, ?)").run(size, note);
      },
    },
    participant: {
      mark: () => ({ head, storedSize }),
      restore(mark) {
        ({ head, storedSize } = mark as { head: Head; storedSize: number });
      },
      beforeCommit(context) {
        const { size } = head.frontier;
        if (size === storedSize) return;
        context.sql("UPDATE audit_head SET size = ?, frontier = ? WHERE id = 1").run(size, head.frontier.encode());
        storedSize = size;
      },
      takeNotice(): AuditNotice | undefined {
        if (noticedSize === head.frontier.size) return undefined;
        noticedSize = head.frontier.size;
        return { size: noticedSize };
      },
    },
  };
};

function readHead(context: WriteContext): Head {
  const row = context.sql("SELECT log, size, frontier FROM audit_head").get();
  if (row === undefined) return { log: undefined, frontier: Frontier.EMPTY };
  return { log: String(row.log), frontier: Frontier.decode(Number(row.size), row.frontier as Uint8Array) };
}

function requireWholeTail(context: WriteContext, size: number): void {
  const newest = context.sql("SELECT max(seq) AS seq FROM audit_entry").get()?.seq ?? -1;
  if (newest === size - 1) return;
  throw new LogoMeshError(
    "LM_AUDIT_TAMPERED",
    `The audit log says that it has ${size} entries, but its newest is number ${String(newest)}. Run \`logomesh audit verify\`.`,
    { data: { size, newest: Number(newest) } },
  );
}
