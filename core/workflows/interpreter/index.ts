export { WorkflowFault, createFault, toWorkflowError } from "./faults.ts";
export type { Frame, Timer } from "./frame.ts";
export { Machine, drive, type EffectOutcome, type MachineEvent, type Transition } from "./machine.ts";
export { toRow } from "./rows.ts";
export { SchemaValidator } from "./schemas.ts";
