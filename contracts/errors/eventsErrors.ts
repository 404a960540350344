import { defineErrors } from "./defineErrors.ts";

export const EVENT_ERRORS = defineErrors({
  LM_EVENT_FORGED: {
    status: 403,
    title: "The event type belongs to the workbench",
    retryable: false,
    help: "Only the workbench publishes types that begin with `io.logomesh.`. Choose a type under a name of your own, like `com.acme.order.paid`.",
  },
  LM_EVENT_LIMIT: {
    status: 429,
    title: "Too many subscriptions",
    retryable: true,
    help: "End subscriptions that are no longer needed; one subscription can name several types.",
  },
});
