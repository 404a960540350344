export { WorkflowFault, createFault, toWorkflowError } from "./faults.ts";
export type { Frame, Timer } from "./frame.ts";
export { Machine } from "./machine.ts";
export { toRow } from "./rows.ts";
export { SchemaValidator } from "./schemas.ts";
export { literalTypes, toEnvelope } from "./listenTask.ts";
export { drive } from "./steps.ts";
export type { EffectOutcome, MachineEnd, MachineEvent, RestartEvent, Transition } from "./transition.ts";
