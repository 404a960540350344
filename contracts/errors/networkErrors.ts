import { defineErrors } from "./defineErrors.ts";

export const NETWORK_ERRORS = defineErrors({
  LM_NET_REFUSED: {
    status: 403,
    title: "The request is not sent",
    retryable: false,
    help: "The detail names the part of the request (address, header, method, redirect) that the workbench never sends, and why.",
  },
  LM_NET_FAILED: {
    status: 502,
    title: "The host could not be asked",
    retryable: true,
    help: "Check the name and the port, and whether the host answers; the detail has the cause.",
  },
  LM_NET_BUSY: {
    status: 429,
    title: "Too many requests at once",
    retryable: true,
    help: "Ask again when some of the requests under way have ended.",
  },
});
