import { LogoMeshError, type ErrorCode, type JsonObject, type WorkflowError } from "@logomesh/contracts";
import { toLogoMeshError } from "../../base/index.ts";
import { standardError, type StandardError } from "../language/index.ts";

/** Which standard error of the specification an operational error is. */
function standardOf(code: ErrorCode): StandardError {
  if (code.startsWith("LM_WORKFLOW_EXPRESSION")) return "expression";
  if (code.startsWith("LM_LLM_") || code.startsWith("LM_PLUGIN_"))
    return code.endsWith("INPUT_INVALID") ? "validation" : "communication";
  switch (code) {
    case "LM_INPUT_INVALID":
    case "LM_WORKFLOW_INPUT_INVALID":
      return "validation";
    case "LM_POLICY_DENIED":
      return "authorization";
    case "LM_TIMEOUT":
      return "timeout";
    default:
      return "runtime";
  }
}

/** The specification's form of anything that was thrown, with our code beside it. */
export function toWorkflowError(error: unknown, instance: string): WorkflowError {
  if (error instanceof WorkflowFault) return { instance, ...error.error };
  const known = toLogoMeshError(error);
  const kind = known.code === "LM_PLUGIN_TIMEOUT" ? "timeout" : standardOf(known.code);
  const base = standardError(kind);
  const data: JsonObject = { ...known.data };
  if (known.problems !== undefined) data.problems = known.problems.map((problem) => ({ ...problem }) as JsonObject);
  return {
    type: base.type,
    status: base.status,
    title: known.toProblem().title,
    detail: known.message,
    instance,
    code: known.code,
    ...(Object.keys(data).length === 0 ? {} : { data }),
  };
}

export function workflowError(kind: StandardError, detail: string, instance: string): WorkflowError {
  return { ...standardError(kind), detail, instance };
}

/** Carries a ready-made workflow error through code that throws. */
export class WorkflowFault extends Error {
  override readonly name = "WorkflowFault";
  readonly error: WorkflowError;

  constructor(error: WorkflowError) {
    super(error.detail ?? error.title ?? error.type);
    this.error = error;
  }
}

export function validationFault(detail: string, instance: string, problems: JsonObject[]): WorkflowFault {
  const error = workflowError("validation", detail, instance);
  return new WorkflowFault({ ...error, code: "LM_INPUT_INVALID", data: { problems } });
}

/** Back to an operational error, for a caller that waits for the run. */
export function toOperationalError(error: WorkflowError): LogoMeshError {
  return new LogoMeshError(
    "LM_WORKFLOW_TASK_FAULT",
    `${error.instance ?? "The run"}: ${error.detail ?? error.title ?? error.type}`,
  );
}
