/** What the tasks of a run say about the nodes of its graph. */
import type { RunTaskSummary, TaskStatus } from "@logomesh/contracts";

export interface NodeState {
  status: TaskStatus;
  /** The task to show when the node is chosen. */
  seq: number;
  /** How often it ran: iterations of a loop. */
  runs: number;
  /** Highest attempt of any of them. */
  attempts: number;
}

/** Of many runs of one task, the state that wants attention: faults over work over waiting over success. */
const WEIGHT: Record<TaskStatus, number> = {
  unknown: 8,
  faulted: 7,
  running: 6,
  suspended: 5,
  waiting: 4,
  pending: 3,
  cancelled: 2,
  completed: 1,
  skipped: 0,
};

export function taskStates(tasks: readonly RunTaskSummary[]): Map<string, NodeState> {
  // The newest attempt of an iteration speaks for it: a fault that was retried is history.
  const newest = new Map<string, RunTaskSummary>();
  for (const task of tasks) {
    const key = `${task.reference} ${task.iteration ?? ""}`;
    const known = newest.get(key);
    if (known === undefined || task.seq > known.seq) newest.set(key, task);
  }
  const states = new Map<string, NodeState>();
  for (const task of newest.values()) {
    const known = states.get(task.reference);
    const isHeavier = known === undefined || WEIGHT[task.status] >= WEIGHT[known.status];
    states.set(task.reference, {
      status: isHeavier ? task.status : known.status,
      seq: isHeavier ? task.seq : known.seq,
      runs: (known?.runs ?? 0) + 1,
      attempts: Math.max(known?.attempts ?? 1, task.attempt),
    });
  }
  return states;
}

/** How much is done, for the bar of a running run. */
export function progressOf(tasks: readonly RunTaskSummary[]): { done: number; total: number } {
  const done = tasks.filter(({ status }) => ["completed", "skipped", "cancelled", "faulted"].includes(status));
  return { done: done.length, total: tasks.length };
}
