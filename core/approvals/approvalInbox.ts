import {
  LogoMeshError,
  type Actor,
  type Approval,
  type ApprovalDetail,
  type ApprovalKind,
  type ApprovalQuery,
  type DecideApprovalParams,
  type JsonObject,
  type JsonValue,
  type Page,
} from "@logomesh/contracts";
import {
  assert,
  canonicalJson,
  isCancellation,
  messageOf,
  sha256Hex,
  toProblem,
  type IdSource,
} from "../base/index.ts";
import type {
  ApprovalDraft,
  ApprovalOwner,
  ApprovalOwnerOptions,
  Approvals,
  AuditEntryDraft,
  AuditLog,
  Clock,
  DecidedApproval,
  Logger,
  Reader,
  WriteCommand,
  Writer,
} from "../ports/index.ts";
import {
  countPending,
  listExpiring,
  listUnsettled,
  readApproval,
  readApprovalPage,
  type StoredApproval,
} from "./approvalQueries.ts";
import type { DecideParams, InsertApprovalParams, SettleParams } from "./approvalsWriterModule.ts";

// The one inbox. States: pending → approved | rejected | expired (decided) → settled, or failed; approved → undone. A decision is stored
// with its entry first and carried out by the kind's owner afterwards, whose answer is stored with an entry of its own: a crash in
// between leaves a decision without an outcome, which the next start carries out again. Nothing is carried out that is not in the log.
// It must not know what any kind is about.

const TITLE_CHARS_MAX = 200;
const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024;
/** What an owner answers says what it did; bulk has no place there. */
const OUTCOME_BYTES_MAX = 64 * 1024;
/** Looked at together when time is up. */
const EXPIRING_MAX = 100;

const SYSTEM: Actor = { type: "system", id: "approvals" };

export interface ApprovalInboxOptions {
  writer: Writer;
  reader: Reader;
  audit: AuditLog;
  clock: Clock;
  ids: IdSource;
  logger: Logger;
  /** Why nothing may be carried out now: a lockdown. Asked before each approval; default never. */
  stopped?: () => LogoMeshError | undefined;
}

/** What changed, and how much waits now. */
export type ApprovalListener = (change: { approval: Approval; pending: number }) => void;

export class ApprovalInbox implements Approvals, AsyncDisposable {
  readonly #options: ApprovalInboxOptions;
  readonly #owners = new Map<ApprovalKind, { owner: ApprovalOwner; options: ApprovalOwnerOptions }>();
  readonly #listeners = new Set<ApprovalListener>();
  /** What is being carried out or taken back. */
  readonly #work = new Set<Promise<unknown>>();
  #timer: Disposable | undefined;
  #isClosed = false;

  constructor(options: ApprovalInboxOptions) {
    this.#options = options;
  }

  own(kind: ApprovalKind, owner: ApprovalOwner, options: ApprovalOwnerOptions = {}): void {
    assert(!this.#owners.has(kind), `Approvals of kind ${kind} have an owner already`);
    this.#owners.set(kind, { owner, options });
  }

  async request(draft: ApprovalDraft): Promise<{ approvalId: string; contentHash: string }> {
    const { writer, audit, ids, clock } = this.#options;
    const { kind, requestedBy, trace = {}, expiresInMs } = draft;
    const owned = this.#owners.get(kind);
    assert(owned !== undefined, `Nobody carries out approvals of kind ${kind}`);
    const payload = payloadText(draft.payload);
    owned.options.check?.(draft.payload);
    const createdAtMs = clock.nowMs();
    const row: InsertApprovalParams = {
      ...{ id: ids.next("apr"), kind, title: titleOf(draft.title), requestedBy: actorText(requestedBy) },
      ...{ run: trace.run ?? null, task: trace.task ?? null, plugin: trace.plugin ?? null },
      ...{ contentHash: sha256Hex(payload), payload, payloadBytes: Buffer.byteLength(payload) },
      ...{ createdAtMs, expiresAtMs: expiresInMs === undefined ? null : createdAtMs + expiresInMs },
    };
    const entry: AuditEntryDraft = {
      ...{ kind: "approval.requested", actor: requestedBy, trace },
      data: { approval: row.id, kind, title: row.title, contentHash: row.contentHash },
      payload: { content: { bytes: payload, media: "application/json" } },
    };
    await writer.run([{ name: "approvals.insert", params: row }, audit.command(entry)]);
    this.#notify(row.id);
    if (row.expiresAtMs !== null) this.#armExpiry();
    return { approvalId: row.id, contentHash: row.contentHash };
  }

  list(query: ApprovalQuery): Promise<Page<Approval>> {
    return readApprovalPage(this.#options.reader, query);
  }

  /** @throws LogoMeshError LM_APPROVAL_NOT_FOUND */
  async get(approvalId: string): Promise<ApprovalDetail> {
    return Promise.resolve(this.#describe(readApproval(this.#options.reader, approvalId)));
  }

  pendingCount(): number {
    return countPending(this.#options.reader);
  }

  /**
   * Records the decision and has it carried out. What the owner throws makes the approval `failed`, which is an answer, not an error.
   * @throws LogoMeshError LM_APPROVAL_NOT_FOUND, LM_APPROVAL_CONTENT, LM_APPROVAL_DECIDED, and what stops everything, unless it is a rejection
   */
  async decide(approvalId: string, params: DecideApprovalParams, caller: { actor: Actor }): Promise<ApprovalDetail> {
    const { decision, contentHash, comment } = params;
    const stop = decision === "approved" ? this.#options.stopped?.() : undefined;
    if (stop !== undefined) throw stop;
    await this.#recordDecision(readApproval(this.#options.reader, approvalId), {
      ...{ id: approvalId, decision, contentHash, actor: caller.actor },
      ...(comment === undefined ? {} : { comment: comment.toWellFormed() }),
    });
    await this.#track(this.#carryOut(approvalId));
    return this.get(approvalId);
  }

  /**
   * Takes back what an approved change did.
   * @throws LogoMeshError LM_APPROVAL_NOT_FOUND, LM_APPROVAL_NOT_UNDOABLE, and what the owner throws: then nothing was taken back
   */
  async undo(approvalId: string, caller: { actor: Actor }): Promise<ApprovalDetail> {
    const { writer, audit, reader } = this.#options;
    const stored = readApproval(reader, approvalId);
    if (this.#owners.get(stored.approval.kind)?.options.undo === undefined) {
      const detail = `Decisions of kind ${stored.approval.kind} cannot be undone.`;
      throw new LogoMeshError("LM_APPROVAL_NOT_UNDOABLE", detail);
    }
    const request = { name: "approvals.requestUndo", params: { id: approvalId, actor: actorText(caller.actor) } };
    const entry = entryOf("approval.undo-requested", stored, { actor: caller.actor });
    await writer.run([request, audit.command(entry)]);
    await this.#track(this.#takeBack(approvalId, caller.actor));
    return this.get(approvalId);
  }

  /** The listener must not throw and must not block. */
  subscribe(listener: ApprovalListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Carries out what the last stop cut off. Call once, when every owner is registered. */
  async recover(): Promise<number> {
    const { reader, logger } = this.#options;
    // What is left for later stays decided, and is carried out by the first start that may.
    const ids = this.#options.stopped?.() === undefined ? listUnsettled(reader) : [];
    for (const approvalId of ids) {
      const { undoRequestedBy: by } = readApproval(reader, approvalId);
      const work = by === undefined ? this.#carryOut(approvalId) : this.#takeBack(approvalId, by);
      await this.#track(work).catch((error: unknown) => {
        logger.warn(
          { approval: approvalId, error: messageOf(error) },
          "an approval that was cut off could not be settled",
        );
      });
    }
    this.#armExpiry();
    return ids.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    await Promise.allSettled(this.#work);
  }

  async #recordDecision(
    stored: StoredApproval,
    { actor, comment, ...decided }: Omit<DecideParams, "decidedBy" | "comment"> & { actor: Actor; comment?: string },
  ): Promise<void> {
    const { writer, audit } = this.#options;
    const params: DecideParams = { ...decided, decidedBy: actorText(actor), comment: comment ?? null };
    const entry = entryOf(`approval.${decided.decision}`, stored, {
      actor,
      ...(comment === undefined ? {} : { data: { comment } }),
    });
    await writer.run([{ name: "approvals.decide", params }, audit.command(entry)]);
    this.#notify(decided.id);
  }

  /** Resolves when the outcome is stored. Rejects only when it cannot be stored; then the next start tries again. */
  async #carryOut(approvalId: string): Promise<void> {
    const stored = readApproval(this.#options.reader, approvalId);
    const owned = this.#owners.get(stored.approval.kind);
    assert(owned !== undefined, `Nobody carries out approvals of kind ${stored.approval.kind}`);
    const decided = decidedOf(stored);
    // Since the decision was stored, everything may have been stopped: it waits for a start that may carry it out.
    const stop = decided.decision === "approved" ? this.#options.stopped?.() : undefined;
    if (stop !== undefined) throw stop;
    let outcome: JsonValue;
    let isFailed = false;
    try {
      outcome = await owned.owner(decided);
      assert(JSON.stringify(outcome).length <= OUTCOME_BYTES_MAX, "The outcome of an approval is too large");
    } catch (error) {
      // Cut off by a stop: the next start carries it out.
      if (isCancellation(error)) throw error;
      outcome = JSON.parse(JSON.stringify(toProblem(error))) as JsonValue;
      // A rejection stands even if its owner could not be told.
      isFailed = decided.decision === "approved";
      this.#options.logger.warn(
        { approval: approvalId, error: messageOf(error) },
        "a decision could not be carried out",
      );
    }
    const params: SettleParams = { id: approvalId, isFailed, outcome: JSON.stringify(outcome) };
    const kind = isFailed ? "approval.failed" : "approval.completed";
    await this.#write(stored, { name: "approvals.settle", params }, kind, {
      actor: SYSTEM,
      payload: { outcome: { bytes: params.outcome, media: "application/json" } },
    });
  }

  async #takeBack(approvalId: string, actor: Actor): Promise<void> {
    const stored = readApproval(this.#options.reader, approvalId);
    const undo = this.#owners.get(stored.approval.kind)?.options.undo;
    assert(undo !== undefined, `Nobody takes back approvals of kind ${stored.approval.kind}`);
    const params = { id: approvalId };
    try {
      await undo(decidedOf(stored));
    } catch (error) {
      if (!isCancellation(error)) {
        const data = { error: messageOf(error) };
        await this.#write(stored, { name: "approvals.kept", params }, "approval.undo-failed", { actor, data });
      }
      throw error;
    }
    await this.#write(stored, { name: "approvals.undone", params }, "approval.undone", { actor });
  }

  async #write(
    stored: StoredApproval,
    command: WriteCommand,
    kind: string,
    fields: Pick<AuditEntryDraft, "actor" | "data" | "payload">,
  ): Promise<void> {
    const { writer, audit } = this.#options;
    await writer.run([command, audit.command(entryOf(kind, stored, fields))]);
    this.#notify(stored.approval.id);
  }

  #describe(stored: StoredApproval): ApprovalDetail {
    const { approval, payload, outcome, undoRequestedBy } = stored;
    const canUndo = this.#owners.get(approval.kind)?.options.undo !== undefined;
    return {
      ...approval,
      payload,
      ...(outcome === undefined ? {} : { outcome }),
      isUndoable:
        canUndo && approval.status === "approved" && approval.settledAt !== undefined && undoRequestedBy === undefined,
    };
  }

  #notify(approvalId: string): void {
    if (this.#listeners.size === 0) return;
    const { approval } = readApproval(this.#options.reader, approvalId);
    const change = { approval, pending: this.pendingCount() };
    for (const listener of this.#listeners) listener(change);
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work);
    try {
      return await work;
    } finally {
      this.#work.delete(work);
    }
  }

  #armExpiry(): void {
    this.#timer?.[Symbol.dispose]();
    const [next] = this.#isClosed ? [] : listExpiring(this.#options.reader, 1);
    if (next === undefined) return;
    const delayMs = Math.max(0, next.expiresAtMs - this.#options.clock.nowMs());
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      void this.#track(this.#expireDue());
    });
  }

  async #expireDue(): Promise<void> {
    const { reader, clock, logger } = this.#options;
    const nowMs = clock.nowMs();
    const due = listExpiring(reader, EXPIRING_MAX).filter(({ expiresAtMs }) => expiresAtMs <= nowMs);
    try {
      for (const { id, contentHash } of due) {
        const stored = readApproval(reader, id);
        if (stored.approval.status !== "pending") continue;
        await this.#recordDecision(stored, { id, decision: "expired", contentHash, actor: SYSTEM });
        await this.#carryOut(id);
      }
    } catch (error) {
      logger.warn(
        { error: messageOf(error) },
        "approvals whose time is up could not be closed; the next start closes them",
      );
      return;
    }
    this.#armExpiry();
  }
}

function titleOf(title: string): string {
  const text = title.toWellFormed();
  return text.length > TITLE_CHARS_MAX ? `${text.slice(0, TITLE_CHARS_MAX - 1)}…`.toWellFormed() : text;
}

/** Canonical, so that everybody computes the same hash. @throws LogoMeshError LM_INPUT_INVALID, LM_TOO_LARGE */
function payloadText(payload: JsonObject): string {
  let text: string;
  try {
    text = canonicalJson(payload);
  } catch (error) {
    throw new LogoMeshError("LM_INPUT_INVALID", `What is to be approved is not JSON: ${messageOf(error)}.`);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes <= PAYLOAD_BYTES_MAX) return text;
  throw new LogoMeshError(
    "LM_TOO_LARGE",
    `What is to be approved has ${bytes} bytes; the limit is ${PAYLOAD_BYTES_MAX}. Ask for less at once.`,
  );
}

function actorText({ type, id }: Actor): string {
  return JSON.stringify({ type, id: id.toWellFormed() });
}

function decidedOf({ approval, payload, decision }: StoredApproval): DecidedApproval {
  const { id, kind, requestedBy, trace, decidedBy, comment } = approval;
  assert(decision !== undefined && decidedBy !== undefined, `The approval ${id} was not decided`);
  return {
    ...{ approvalId: id, kind, payload, requestedBy, decision, decidedBy },
    trace: JSON.parse(JSON.stringify(trace)) as DecidedApproval["trace"],
    ...(comment === undefined ? {} : { comment }),
  };
}

function entryOf(
  kind: string,
  { approval }: StoredApproval,
  { data, ...fields }: Pick<AuditEntryDraft, "actor" | "data" | "payload">,
): AuditEntryDraft {
  const { id, title, contentHash, trace } = approval;
  return { kind, ...fields, trace, data: { approval: id, kind: approval.kind, title, contentHash, ...data } };
}
