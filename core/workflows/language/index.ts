export { collectGrants, hostOf } from "./collectGrants.ts";
export {
  literalOf,
  type CallTask,
  type CatchClause,
  type DataSchema,
  type FlowDirective,
  type ForTask,
  type ForkTask,
  type RetryPolicy,
  type RunTask,
  type Task,
  type TaskList,
  type Timeout,
  type TryTask,
  type WaitTask,
  type WorkflowDefinition,
} from "./definition.ts";
export { parseDuration } from "./duration.ts";
export { canonicalErrorType, sameErrorType, standardError, type StandardError } from "./errorTypes.ts";
export { listsOf, parseWorkflow, type ParsedWorkflow } from "./parseWorkflow.ts";
export { toPointer } from "./problems.ts";
