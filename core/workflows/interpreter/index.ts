export type { Frame, Outcome, RunEnd, StepRequest, TaskRow } from "./frame.ts";
export { Interpreter, type Changes } from "./interpreter.ts";
export { SchemaValidator } from "./schemaValidator.ts";
export { toWorkflowError, workflowError } from "./workflowErrors.ts";
