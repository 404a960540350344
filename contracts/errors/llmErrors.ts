import { defineErrors } from "./defineErrors.ts";

export const LLM_ERRORS = defineErrors({
  LM_LLM_MODEL_NOT_FOUND: {
    status: 404,
    title: "The model is not there",
    retryable: false,
    help: "Get it with the `ollama pull` line in the detail, or name another model.",
  },
  LM_LLM_CONTEXT_OVERFLOW: {
    status: 422,
    title: "The prompt does not fit the context window",
    retryable: false,
    help: "Shorten the prompt or raise `num_ctx` up to the model's own limit.",
  },
  LM_LLM_CAPABILITY: {
    status: 422,
    title: "The model cannot do this",
    retryable: false,
    help: "Choose a model with the capability that the detail names.",
  },
  LM_LLM_BUSY: {
    status: 503,
    title: "The model server is busy",
    retryable: true,
    help: "Try again later or lower the concurrency.",
  },
  LM_LLM_UNREACHABLE: {
    status: 503,
    title: "The model server does not answer",
    retryable: true,
    help: "Start it with `ollama serve`, or set OLLAMA_HOST.",
  },
  LM_LLM_PROTOCOL: {
    status: 502,
    title: "The model server's answer is not understood",
    retryable: true,
    help: "The partial text is kept in the error's data. Try again; if it repeats, report it with the server's version.",
  },
  LM_LLM_SERVER: {
    status: 502,
    title: "The model server failed",
    retryable: true,
    help: "The detail is the server's own message; the partial text is kept in the error's data.",
  },
  LM_LLM_REMOTE_REFUSED: {
    status: 403,
    title: "The model would run on another machine",
    retryable: false,
    help: "Prompts stay on this machine unless you allow the host in Security.",
  },
  LM_LLM_STRUCTURED_OUTPUT: {
    status: 502,
    title: "The model's answer does not fit the schema",
    retryable: true,
    help: "One repair was tried. Simplify the schema or use a stronger model.",
  },
});
