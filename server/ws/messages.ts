import type { RunMessage } from "@logomesh/core";
import type { RunTaskSummary, ServerMessage } from "@logomesh/contracts";

export type MessageKind = "event" | "task" | "token" | "progress" | "plugin" | "approval";
export const MESSAGE_KINDS: readonly MessageKind[] = ["event", "task", "token", "progress", "plugin", "approval"];

/** Which part of what happens a client wants. */
export interface EventFilter {
  runId: string | undefined;
  kinds: ReadonlySet<MessageKind>;
}

export type LiveMessage = RunMessage | Extract<ServerMessage, { type: "plugin" | "approval" }>;

/** An event after which a run never changes again. */
export function isTerminalEvent(type: string): boolean {
  return /^io\.serverlessworkflow\.workflow\.(completed|faulted|cancelled)\.v1$/.test(type);
}

const ENDED = new Set<RunTaskSummary["status"]>(["completed", "faulted", "cancelled", "skipped"]);

/** Whether a task as it was told is older than the same task as it was read, so that telling it would take it back. */
export function isOutdated(told: RunTaskSummary, read: RunTaskSummary | undefined): boolean {
  if (read === undefined || told.seq !== read.seq) return false;
  if (told.attempt !== read.attempt) return told.attempt < read.attempt;
  return ENDED.has(read.status) && !ENDED.has(told.status);
}
