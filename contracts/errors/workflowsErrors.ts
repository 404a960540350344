import { defineErrors } from "./defineErrors.ts";

export const WORKFLOW_ERRORS = defineErrors({
  LM_WORKFLOW_INVALID: {
    status: 422,
    title: "The workflow is not valid",
    retryable: false,
    help: "Correct what the detail names. `problems`, where there are any, list each fault with line, column and JSON pointer.",
  },
  LM_WORKFLOW_NOT_FOUND: {
    status: 404,
    title: "No such workflow",
    retryable: false,
    help: "`logomesh workflow list` shows what is there; `logomesh workflow push <file>` adds one.",
  },
  LM_WORKFLOW_INPUT_INVALID: {
    status: 422,
    title: "The input does not fit the workflow",
    retryable: false,
    help: "`problems` names each field by JSON pointer; the workflow's `input.schema` says what is expected.",
  },
  LM_WORKFLOW_EXPRESSION: {
    status: 422,
    title: "An expression failed",
    retryable: false,
    help: "Correct the jq expression; the detail has the expression and jq's message.",
  },
  LM_WORKFLOW_EXPRESSION_LIMIT: {
    status: 422,
    title: "An expression exceeded its limit",
    retryable: false,
    help: "The detail names the limit (time, memory or output). Make the expression smaller.",
  },
  LM_WORKFLOW_TASK_FAULT: {
    status: 500,
    title: "A task faulted",
    retryable: false,
    help: "The detail says which task and why; `catch` it in the workflow or correct the cause and run again.",
  },
  LM_WORKFLOW_LEASE_LOST: {
    status: 409,
    title: "Another workbench owns the run",
    retryable: false,
    help: "The late write was rejected; the other owner continues the run.",
  },
  LM_WORKFLOW_IN_USE: {
    status: 409,
    title: "The workflow has live runs",
    retryable: false,
    help: "Cancel the runs, or repeat with ?force: live runs keep the definition they started with.",
  },
  LM_WORKFLOW_RUN_FINISHED: {
    status: 409,
    title: "The run has already ended",
    retryable: false,
    help: "A terminal status is never overwritten. Start a new run.",
  },
  LM_WORKFLOW_QUEUE_FULL: {
    status: 429,
    title: "Too much waits for its turn",
    retryable: true,
    help: "Start less at once; the detail names the limit that was reached.",
  },
  LM_WORKFLOW_STEP_UNKNOWN: {
    status: 409,
    title: "The outcome of a step is unknown",
    retryable: false,
    help: "The step may have acted on the outside before the workbench stopped. Look, then resume or retry the run with a decision for the step.",
  },
  LM_WORKFLOW_CANNOT_CONTINUE: {
    status: 409,
    title: "The run cannot go on from here",
    retryable: false,
    help: "The detail says why. Fork the run with another input or definition, or start a new one.",
  },
});
