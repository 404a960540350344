import type { WriteContext } from "../../db/index.ts";

export interface DeleteRunsParams {
  /** JSON text of a list. */
  statuses: string;
  endedBeforeMs: number;
  tasksMax: number;
}

/** Runs looked at for one commit. */
const RUNS_PER_COMMIT = 200;

// A parent that did not complete may be retried, and would start its children again.
const CANDIDATES = `SELECT r.id, (SELECT count(*) FROM workflow_task t WHERE t.run_id = r.id) AS tasks FROM workflow_run r
  WHERE r.status IN ('completed', 'faulted', 'cancelled') AND r.status IN (SELECT value FROM json_each(?)) AND r.ended_at <= ?
  AND NOT EXISTS (SELECT 1 FROM workflow_run p WHERE p.id = r.parent_run AND p.status <> 'completed')
  ORDER BY r.ended_at, r.id LIMIT ${RUNS_PER_COMMIT}`;
// The newest row of events stays, because the next number follows from it.
const DELETE_EVENTS =
  "DELETE FROM workflow_event WHERE run_id = ? AND last_id < (SELECT max(last_id) FROM workflow_event)";

/** @returns how many runs were deleted */
export function deleteRuns(context: WriteContext, { statuses, endedBeforeMs, tasksMax }: DeleteRunsParams): number {
  const candidates = context.sql(CANDIDATES).all(statuses, endedBeforeMs) as { id: string; tasks: number }[];
  let tasks = 0;
  let runs = 0;
  for (const candidate of candidates) {
    tasks += candidate.tasks;
    if (runs > 0 && tasks > tasksMax) break;
    context.sql("DELETE FROM workflow_task WHERE run_id = ?").run(candidate.id);
    context.sql(DELETE_EVENTS).run(candidate.id);
    context.sql("DELETE FROM event WHERE run_id = ?").run(candidate.id);
    context.sql("DELETE FROM workflow_run WHERE id = ?").run(candidate.id);
    runs += 1;
  }
  return runs;
}

/** @returns bytes given back to the file system */
export function shrink(context: WriteContext, { bytesMax }: { bytesMax: number }): number {
  const read = (name: string): number => Number(Object.values(context.sql(`PRAGMA ${name}`).get() ?? {})[0]);
  const pageBytes = read("page_size");
  const before = read("page_count");
  const step = Math.min(read("freelist_count"), Math.ceil(bytesMax / pageBytes));
  // One page for each step of the statement.
  for (let page = 0; page < step; page += 1) context.sql("PRAGMA incremental_vacuum(1)").all();
  return (before - read("page_count")) * pageBytes;
}
