import { LogoMeshError, type InputProblem, type WorkflowError } from "@logomesh/contracts";
import { canonicalErrorType, standardError, type StandardError } from "../language/index.ts";

/** An error of the workflow language on its way through the tasks. */
export class WorkflowFault extends Error {
  override readonly name = "WorkflowFault";
  readonly error: WorkflowError;

  constructor(error: WorkflowError) {
    super(error.detail ?? error.title ?? error.type);
    this.error = error;
  }
}

export function createFault(
  name: StandardError,
  detail: string,
  extra: Pick<WorkflowError, "instance" | "code" | "data"> & { status?: number } = {},
): WorkflowFault {
  return new WorkflowFault({ ...standardError(name), detail, ...extra });
}

/** What of a schema's complaints fits into a stored error. */
const PROBLEMS_MAX = 20;

export function validationFault(what: string, problems: readonly InputProblem[]): WorkflowFault {
  const shown = problems.slice(0, PROBLEMS_MAX).map(({ pointer, message }) => ({ pointer, message }));
  const first = shown[0];
  const place = first === undefined ? "" : `: ${first.pointer === "" ? "the value" : first.pointer} ${first.message}`;
  return createFault("validation", `${what} does not fit its schema${place}`, {
    code: "LM_INPUT_INVALID",
    data: { problems: shown },
  });
}

/** Codes whose kind the specification has an error type for; the rest are runtime errors. */
const KIND_OF_CODE: Readonly<Record<string, StandardError>> = {
  LM_POLICY_DENIED: "authorization",
  LM_TIMEOUT: "timeout",
  LM_INPUT_INVALID: "validation",
  LM_WORKFLOW_INPUT_INVALID: "validation",
  LM_WORKFLOW_INVALID: "configuration",
  LM_WORKFLOW_NOT_FOUND: "configuration",
  LM_NET_FAILED: "communication",
  LM_NET_BUSY: "communication",
  LM_NET_REFUSED: "configuration",
  LM_PLUGIN_NOT_FOUND: "configuration",
  LM_PLUGIN_TOOL_NOT_FOUND: "configuration",
  LM_WORKFLOW_EXPRESSION: "expression",
  LM_WORKFLOW_EXPRESSION_LIMIT: "expression",
};

/** The error that a workflow sees for what was thrown; `instance` is the task unless the error says otherwise. */
export function toWorkflowError(thrown: unknown, instance: string): WorkflowError {
  if (thrown instanceof WorkflowFault) return { ...thrown.error, instance: thrown.error.instance ?? instance };
  if (!(thrown instanceof LogoMeshError)) throw thrown;
  const kind = KIND_OF_CODE[thrown.code] ?? (thrown.code.startsWith("LM_LLM_") ? "communication" : "runtime");
  return {
    ...standardError(kind),
    status: thrown.status,
    detail: thrown.message,
    instance,
    code: thrown.code,
    data: { ...thrown.data, retryable: thrown.retryable },
  };
}

/** An error as a workflow wrote it: standard types in the one emitted form. */
export function raisedFault(error: WorkflowError): WorkflowFault {
  return new WorkflowFault({ ...error, type: canonicalErrorType(error.type) });
}
