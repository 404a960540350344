export { collectGrants } from "./collectGrants.ts";
export {
  type Authentication,
  type CallTask,
  type DataSchema,
  type EffectTask,
  type EmitTask,
  type EventFilter,
  type EventStrategy,
  type FlowDirective,
  type RetryPolicy,
  type ListenTask,
  type RunTask,
  type Task,
  type TaskList,
  type Timeout,
  type WorkflowDefinition,
} from "./definition.ts";
export { OWN_SOURCE } from "./parseEvents.ts";
export { parseDuration } from "./duration.ts";
export { canonicalErrorType, sameErrorType, standardError, type StandardError } from "./errorTypes.ts";
export { languageTables, type LanguageTables } from "./tables.ts";
export { parseWorkflow, type ParsedWorkflow } from "./parseWorkflow.ts";
