import { LogoMeshError, type ErrorCode, type JsonObject } from "@logomesh/contracts";

/** Codes of JSON-RPC 2.0 and of the Model Context Protocol. */
export const RPC = {
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  unsupportedVersion: -32_022,
} as const;

/** Codes of the workbench, outside of what JSON-RPC reserves. */
export const HOST_ERROR = {
  denied: 4030,
  needsApproval: 4031,
  tooLarge: 4130,
  rateLimited: 4290,
  timeout: 5040,
  failed: 5000,
} as const;

const CODES: Partial<Record<ErrorCode, number>> = {
  LM_POLICY_DENIED: HOST_ERROR.denied,
  LM_PLUGIN_NOT_GRANTED: HOST_ERROR.needsApproval,
  LM_TOO_LARGE: HOST_ERROR.tooLarge,
  LM_PLUGIN_STORE_FULL: HOST_ERROR.tooLarge,
  LM_BLOB_QUOTA: HOST_ERROR.tooLarge,
  LM_PLUGIN_TOKENS_USED: HOST_ERROR.rateLimited,
  LM_PLUGIN_BUSY: HOST_ERROR.rateLimited,
  LM_LLM_BUSY: HOST_ERROR.rateLimited,
  LM_TIMEOUT: HOST_ERROR.timeout,
  LM_PLUGIN_TIMEOUT: HOST_ERROR.timeout,
};

/** Of a problem's detail: it may quote what strangers wrote. */
const MESSAGE_CHARS_MAX = 2_000;

export interface RpcError {
  code: number;
  message: string;
  data?: JsonObject;
}

/** The error that has a code of its own on the host plane; undefined for a failure of the tool, which is a result with `isError`. */
export function toRpcError(error: LogoMeshError): RpcError | undefined {
  const code = CODES[error.code];
  if (code === undefined) return undefined;
  const { action, resource, policies, reason } = error.data ?? {};
  const denial =
    error.code === "LM_POLICY_DENIED"
      ? { action: action ?? "", resource: resource ?? "", policies: policies ?? [], reason: reason ?? error.message }
      : {};
  return { code, message: cut(error.message), data: { code: error.code, retryable: error.retryable, ...denial } };
}

/** A tool's failure as a result, so that models and simple clients can read it. */
export function toErrorResult(error: LogoMeshError): JsonObject {
  const { code, retryable, problems } = error;
  return {
    content: [{ type: "text", text: cut(error.message) }],
    structuredContent: {
      ...{ code, retryable, message: cut(error.message) },
      ...(problems === undefined ? {} : { problems: problems.map(({ pointer, message }) => ({ pointer, message })) }),
    },
    isError: true,
  };
}

function cut(text: string): string {
  return text.slice(0, MESSAGE_CHARS_MAX).toWellFormed();
}
