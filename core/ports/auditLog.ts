import type { Actor, AuditEntry, Trace, JsonObject } from "@logomesh/contracts";
import type { WriteCommand } from "./writer.ts";

/** What the caller knows of an entry; the log adds sequence, time, salt and hashes. */
export interface AuditEntryDraft {
  /** `<subject>.<what>`: run.started, step.completed, plugin.called, llm.request, policy.denied … */
  kind: string;
  actor: Actor;
  trace?: Trace;
  /** Integers, strings, booleans and containers of them; no fractions (they differ between languages). */
  data?: JsonObject;
  /** Bytes that can be redacted later, by role: prompt, response, arguments, result … */
  payload?: Record<string, AuditPayload>;
}

export interface AuditPayload {
  bytes: string | Uint8Array;
  /** Media type, for example `application/json` or `text/plain`. */
  media: string;
}

/** Looks back into the log for what a crash cut off. */
export interface AuditHistory {
  listUnended(query: UnendedQuery): Promise<AuditEntry[]>;
}

/** Entries of kind `begin` with a number below `before` that none of kind `ends` names in `data.request`; oldest first. */
export interface UnendedQuery {
  begin: string;
  ends: readonly string[];
  before: number;
}

/** The tamper-evident log. */
export interface AuditLog {
  /** For a unit of the writer that also changes state: entry and change commit together. Answers `{seq}`. */
  command(draft: AuditEntryDraft): WriteCommand;
  /**
   * Resolves after the entry is on disk.
   * @throws LogoMeshError LM_AUDIT_UNWRITABLE; the caller must then refuse the operation
   */
  append(draft: AuditEntryDraft): Promise<{ seq: number }>;
  /**
   * Queues an entry that need not be awaited (a plugin call outside a run); it is on disk within 5 ms.
   * A failure is logged and makes every later `append` fail until the log can be written again.
   */
  enqueue(draft: AuditEntryDraft): void;
}

/** How far the log is behind with what was queued. */
export interface AuditBacklog {
  /**
   * Undefined while there is room for entries that are queued; else resolves when there is again, or when the log cannot be written. Whoever
   * queues one for each of many requests waits for it first, so that requests wait for the disk instead of entries being lost.
   */
  room(): Promise<void> | undefined;
}
