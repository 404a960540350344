import { defineErrors } from "./defineErrors.ts";

export const THOUGHT_ERRORS = defineErrors({
  LM_THOUGHT_NOT_FOUND: {
    status: 404,
    title: "No such thought",
    retryable: false,
    help: "List the thoughts to see which exist.",
  },
});
