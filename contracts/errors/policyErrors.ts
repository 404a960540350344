import { defineErrors } from "./defineErrors.ts";

export const POLICY_ERRORS = defineErrors({
  LM_POLICY_DENIED: {
    status: 403,
    title: "Denied by policy",
    retryable: false,
    help: "The detail names the policy and its reason. Grant the permission, or change constitution.cedar if the rule is yours.",
  },
  LM_POLICY_CONSTITUTION_INVALID: {
    status: 422,
    title: "The constitution is not valid",
    retryable: false,
    help: "Correct the text at the place that the detail names. The last good version stays in force; when there is none, nothing privileged runs.",
  },
  LM_POLICY_LOCKDOWN: {
    status: 503,
    title: "LogoMesh is locked down",
    retryable: false,
    help: "Look why (`logomesh lockdown status`), deal with it, and leave the lockdown with `logomesh lockdown off`.",
  },
});
