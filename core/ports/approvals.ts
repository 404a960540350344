import type { Actor, JsonObject, JsonValue } from "@logomesh/contracts";

export type ApprovalKind = "file-change" | "model" | "task" | "unknown-step" | "workflow";

/** Something that waits for a person. */
export interface ApprovalDraft {
  kind: ApprovalKind;
  /** One line for the inbox. */
  title: string;
  requestedBy: Actor;
  /** What the person sees and decides about; exact bytes are bound by its hash. At most 8 MiB as JSON. */
  payload: JsonObject;
  trace?: { run?: string; task?: string; plugin?: string };
  /** Milliseconds from now; default none. */
  expiresInMs?: number;
}

export interface DecidedApproval {
  approvalId: string;
  kind: ApprovalKind;
  payload: JsonObject;
  decision: "approved" | "rejected";
  decidedBy: Actor;
  comment?: string;
}

/** How the owner of a kind carries out a decision. What it answers is kept as the outcome; what it throws makes the approval `failed`. */
export type ApprovalOwner = (approval: DecidedApproval) => Promise<JsonValue>;

/** The one inbox. Requests, decisions and outcomes are entries of the log. */
export interface Approvals {
  /** @returns the id, when the request is stored */
  request(draft: ApprovalDraft): Promise<{ approvalId: string; contentHash: string }>;
  /** Each kind has one owner, registered at start. */
  own(kind: ApprovalKind, owner: ApprovalOwner): void;
}
