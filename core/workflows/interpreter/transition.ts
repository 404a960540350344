import type { JsonObject, JsonValue, WorkflowError } from "@logomesh/contracts";
import type { CloudEvent } from "../../ports/index.ts";
import type { StoredTask } from "../store/workflowStore.ts";
import type { Frame, Timer } from "./frame.ts";

/** Something from outside, recorded in the journal in this order. */
export type MachineEvent =
  | { kind: "effect"; seq: number; atMs: number; details?: JsonObject; outcome: EffectOutcome }
  | { kind: "timer" | "timeout"; seq: number; atMs: number }
  /** An event for the listening task `seq`. */
  | { kind: "event"; seq: number; atMs: number; position: number; event: CloudEvent }
  | RestartEvent;

/** A person has the run go on from where it stood: what is outstanding begins anew, under numbers of its own. */
export interface RestartEvent {
  kind: "restart";
  /** Above every number that the run has used. */
  seq: number;
  /** Its place in the journal. */
  order: number;
  atMs: number;
  /** Events from this place on no longer count; absent when all do. */
  from?: number;
  /** Shown with it: `retry` or `fork`. */
  name: string;
}

export type EffectOutcome =
  /** `recorded`: the output comes from the journal, where `output.as` has been applied already. */
  { ok: true; output: JsonValue; recorded?: boolean } | { ok: false; error: WorkflowError };

/** What the events since the last call led to. */
export interface Transition {
  rows: StoredTask[];
  launched: Frame[];
  /** Effects that nobody waits for any more. */
  abandoned: number[];
  armed: Timer[];
  disarmed: string[];
  /** Tasks that want events, and those that want none any more, by number. */
  listening: Frame[];
  unlistened: number[];
  /** Ended frames of effects and waits, for progress. */
  ended: MachineEnd | undefined;
}

export type MachineEnd =
  { status: "completed"; output: JsonValue } | { status: "faulted"; error: WorkflowError } | { status: "cancelled" };

export function emptyTransition(): Transition {
  return {
    rows: [],
    launched: [],
    abandoned: [],
    armed: [],
    disarmed: [],
    listening: [],
    unlistened: [],
    ended: undefined,
  };
}
