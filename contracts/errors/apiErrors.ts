import { defineErrors } from "./defineErrors.ts";

export const API_ERRORS = defineErrors({
  LM_API_UNAUTHENTICATED: {
    status: 401,
    title: "Sign in first",
    retryable: false,
    help: "Send `Authorization: Bearer <token>`. `logomesh login` prints a login link; the admin token is in .logomesh/token.",
  },
  LM_API_FORBIDDEN: {
    status: 403,
    title: "The token may not do this",
    retryable: false,
    help: "Use a token with the scope that the detail names.",
  },
  LM_API_ORIGIN: {
    status: 403,
    title: "Request from a foreign origin or host",
    retryable: false,
    help: "Open LogoMesh at the address it printed. Other hosts need `allowedHosts` in logomesh.yaml.",
  },
  LM_API_MEDIA_TYPE: {
    status: 415,
    title: "Send JSON",
    retryable: false,
    help: "Set `Content-Type: application/json`.",
  },
  LM_API_RATE_LIMITED: {
    status: 429,
    title: "Too many requests",
    retryable: true,
    help: "Wait for the time that `Retry-After` gives.",
  },
  LM_API_LOGIN_CODE: {
    status: 401,
    title: "The login code is not valid",
    retryable: false,
    help: "Codes work once and for ten minutes. `logomesh login` prints a new link.",
  },
  LM_API_PORT_TAKEN: {
    status: 500,
    title: "The port is taken",
    retryable: false,
    help: "Set LOGOMESH_PORT to a free port, or stop the program that uses it.",
  },
  LM_API_NO_SERVER: {
    status: 503,
    title: "No workbench is running",
    retryable: true,
    help: "Start one with `script/start` (or `logomesh start`) in this workspace.",
  },
});
