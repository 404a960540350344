import type { Actor, ApprovalKind, JsonObject, JsonValue } from "@logomesh/contracts";

/** Something that waits for a person. */
export interface ApprovalDraft {
  kind: ApprovalKind;
  /** One line for the inbox; longer than 200 characters it is cut. */
  title: string;
  requestedBy: Actor;
  /**
   * What the person sees and decides about; exact bytes are bound by its hash. At most 8 MiB as JSON.
   * For `file-change`: a `FileChange`, with a `reason` if there is one.
   */
  payload: JsonObject;
  trace?: { run?: string; task?: string; plugin?: string };
  /** Milliseconds from now; default none. */
  expiresInMs?: number;
}

export interface DecidedApproval {
  approvalId: string;
  kind: ApprovalKind;
  payload: JsonObject;
  requestedBy: Actor;
  trace: { run?: string; task?: string; plugin?: string };
  /** `expired`: nobody decided in time. */
  decision: "approved" | "rejected" | "expired";
  decidedBy: Actor;
  comment?: string;
}

/**
 * How the owner of a kind carries out a decision. What it answers is kept as the outcome; what it throws makes an approved one `failed`.
 * It may be called again for the same approval after a crash, so repeating it must change nothing.
 */
export type ApprovalOwner = (approval: DecidedApproval) => Promise<JsonValue>;

export interface ApprovalOwnerOptions {
  /** Refuses a payload that the owner could not carry out, when it is requested. */
  check?: (payload: JsonObject) => void;
  /** Takes back what was carried out; repeating it must change nothing. */
  undo?: (approval: DecidedApproval) => Promise<void>;
}

/** The one inbox. Requests, decisions and outcomes are entries of the log. */
export interface Approvals {
  /**
   * @returns the id, when the request is stored
   * @throws LogoMeshError LM_TOO_LARGE, LM_INPUT_INVALID, LM_APPROVAL_INBOX_FULL, LM_AUDIT_UNWRITABLE
   */
  request(draft: ApprovalDraft): Promise<{ approvalId: string; contentHash: string }>;
  /** Each kind has one owner, registered at start. */
  own(kind: ApprovalKind, owner: ApprovalOwner, options?: ApprovalOwnerOptions): void;
}
