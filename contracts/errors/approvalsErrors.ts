import { defineErrors } from "./defineErrors.ts";

export const APPROVAL_ERRORS = defineErrors({
  LM_APPROVAL_NOT_FOUND: {
    status: 404,
    title: "No such approval",
    retryable: false,
    help: "List the approvals to see which exist: `logomesh approval list`.",
  },
  LM_APPROVAL_CONTENT: {
    status: 409,
    title: "The decision is about other content",
    retryable: false,
    help: "Look at the approval again; `data.contentHash` is the hash of what waits, and a decision must name it.",
  },
  LM_APPROVAL_DECIDED: {
    status: 409,
    title: "The approval was decided before",
    retryable: false,
    help: "Each approval is decided once; `data.status` says how. What an approved file change wrote can be undone.",
  },
  LM_APPROVAL_NOT_UNDOABLE: {
    status: 409,
    title: "There is nothing to undo",
    retryable: false,
    help: "Only a file change that was approved and carried out can be undone, and once.",
  },
  LM_APPROVAL_INBOX_FULL: {
    status: 429,
    title: "Too much waits for a person",
    retryable: true,
    help: "Decide what waits in the inbox; the detail names the limit that was reached.",
  },
});
