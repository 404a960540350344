import { defineErrors } from "./defineErrors.ts";

export const AUDIT_ERRORS = defineErrors({
  LM_AUDIT_UNWRITABLE: {
    status: 503,
    title: "The audit log cannot be written",
    retryable: true,
    help: "Privileged operations are refused until it can. Free disk space or repair the workspace's permissions.",
  },
  LM_AUDIT_TAMPERED: {
    status: 500,
    title: "The audit log does not verify",
    retryable: false,
    help: "`logomesh audit verify` names the first bad entry.",
  },
});
