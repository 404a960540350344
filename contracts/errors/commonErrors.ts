import { defineErrors } from "./defineErrors.ts";

export const COMMON_ERRORS = defineErrors({
  LM_INTERNAL: {
    status: 500,
    title: "Internal error",
    retryable: false,
    help: "This is a bug in LogoMesh. Report it with the detail and the log lines around it.",
  },
  LM_INPUT_INVALID: {
    status: 422,
    title: "Input is not valid",
    retryable: false,
    help: "Correct what the detail names and try again. `problems`, where there are any, name each field by JSON pointer.",
  },
  LM_NOT_FOUND: {
    status: 404,
    title: "Not found",
    retryable: false,
    help: "Check the spelling; the list of its kind shows what there is.",
  },
  LM_CONFLICT: {
    status: 409,
    title: "Conflicts with the current state",
    retryable: false,
    help: "Read the current state and decide again.",
  },
  LM_CANCELLED: {
    status: 499,
    title: "Cancelled",
    retryable: false,
    help: "The caller cancelled the operation.",
  },
  LM_TIMEOUT: {
    status: 504,
    title: "Time limit exceeded",
    retryable: true,
    help: "Raise the limit that the detail names, or make the work smaller.",
  },
  LM_TOO_LARGE: {
    status: 413,
    title: "Too large",
    retryable: false,
    help: "Send less than the limit that the detail names, or pass large data by reference.",
  },
  LM_WORKSPACE_LOCKED: {
    status: 409,
    title: "The workspace is in use",
    retryable: true,
    help: "Another workbench serves this workspace. Stop the process that the detail names, or use another workspace.",
  },
  LM_SETTINGS_INVALID: {
    status: 500,
    title: "A setting is not valid",
    retryable: false,
    help: "Correct the line of logomesh.yaml or the environment variable that the detail names.",
  },
  LM_WORKSPACE_INVALID: {
    status: 500,
    title: "The workspace cannot be used",
    retryable: false,
    help: "Run `logomesh init` in an empty folder, or repair the file that the detail names.",
  },
});
