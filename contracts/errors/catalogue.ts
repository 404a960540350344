import { API_ERRORS } from "./apiErrors.ts";
import { APPROVAL_ERRORS } from "./approvalsErrors.ts";
import { AUDIT_ERRORS } from "./auditErrors.ts";
import { COMMON_ERRORS } from "./commonErrors.ts";
import { DB_ERRORS } from "./dbErrors.ts";
import type { ErrorDefinition } from "./defineErrors.ts";
import { FILE_ERRORS } from "./filesErrors.ts";
import { EVENT_ERRORS } from "./eventsErrors.ts";
import { LLM_ERRORS } from "./llmErrors.ts";
import { NETWORK_ERRORS } from "./networkErrors.ts";
import { PLUGIN_ERRORS } from "./pluginsErrors.ts";
import { POLICY_ERRORS } from "./policyErrors.ts";
import { STORAGE_ERRORS } from "./storageErrors.ts";
import { THOUGHT_ERRORS } from "./thoughtsErrors.ts";
import { WORKFLOW_ERRORS } from "./workflowsErrors.ts";

/** Every operational error LogoMesh can answer with. docs/errors.md is generated from it. */
export const ERROR_CATALOGUE = {
  ...COMMON_ERRORS,
  ...API_ERRORS,
  ...APPROVAL_ERRORS,
  ...AUDIT_ERRORS,
  ...DB_ERRORS,
  ...FILE_ERRORS,
  ...EVENT_ERRORS,
  ...LLM_ERRORS,
  ...NETWORK_ERRORS,
  ...PLUGIN_ERRORS,
  ...POLICY_ERRORS,
  ...STORAGE_ERRORS,
  ...THOUGHT_ERRORS,
  ...WORKFLOW_ERRORS,
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERROR_CATALOGUE, value);
}
