import {
  LogoMeshError,
  type BulkRunsParams,
  type BulkRunsResult,
  type PruneRunsParams,
  type PruneRunsResult,
} from "@logomesh/contracts";
import { toLogoMeshError } from "../../../base/index.ts";
import type { AuditEntryDraft } from "../../../ports/index.ts";
import type { WorkflowStore } from "../../store/workflowStore.ts";

/** Runs that one request acts on: whoever wants more asks again, and sees meanwhile what happens. */
const RUNS_MAX = 1_000;
const PAGE_RUNS = 200;
/** Refusals that are told one by one. */
const REFUSALS_MAX = 100;
/** Tasks that one commit deletes, so that running work does not wait for it; one run is deleted whole, however many it has. */
const TASKS_PER_COMMIT = 2_000;
/** Free space that one commit gives back. */
const SHRINK_STEP_BYTES = 1024 * 1024;

/** The same action for every run that the filter finds; one refusal does not stop the others. */
export async function actOnRuns(
  { filter, action }: BulkRunsParams,
  host: { store: WorkflowStore; act: (runId: string, action: BulkRunsParams["action"]) => Promise<unknown> },
): Promise<BulkRunsResult> {
  const ids: string[] = [];
  const { status, workflow, q } = filter;
  const query = {
    ...(status === undefined ? {} : { status }),
    ...(workflow === undefined ? {} : { workflow }),
    ...(q === undefined ? {} : { q }),
  };
  let cursor: string | null = null;
  do {
    const page = await host.store.listRuns({ ...query, limit: PAGE_RUNS, ...(cursor === null ? {} : { cursor }) });
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== null && ids.length < RUNS_MAX);
  const result: BulkRunsResult = {
    matched: Math.min(ids.length, RUNS_MAX),
    done: 0,
    refused: 0,
    refusals: [],
    isMore: false,
  };
  result.isMore = cursor !== null || ids.length > RUNS_MAX;
  for (const runId of ids.slice(0, RUNS_MAX)) {
    try {
      await host.act(runId, action);
      result.done += 1;
    } catch (error) {
      const { code, message } = toLogoMeshError(error);
      result.refused += 1;
      if (result.refusals.length < REFUSALS_MAX) result.refusals.push({ runId, code, detail: message });
    }
  }
  return result;
}

/** Deletes ended runs, the oldest first, and gives their space back, both in small commits. */
export async function pruneRuns(
  params: PruneRunsParams,
  { store, nowMs, audit }: { store: WorkflowStore; nowMs: number; audit: (data: PruneRunsResult) => AuditEntryDraft },
): Promise<PruneRunsResult> {
  const { statuses = ["completed", "faulted", "cancelled"], olderThanMs, databaseBytesMax } = params;
  if (olderThanMs === undefined && databaseBytesMax === undefined)
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      "Say how old runs must be (olderThanMs) or how large the database may stay (databaseBytesMax).",
    );
  const before = store.size();
  const endedBeforeMs = olderThanMs === undefined ? Number.MAX_SAFE_INTEGER : nowMs - olderThanMs;
  let runs = 0;
  while (databaseBytesMax === undefined || store.size().usedBytes > databaseBytesMax) {
    const deleted = await store.deleteRuns({ statuses, endedBeforeMs, tasksMax: TASKS_PER_COMMIT });
    if (deleted === 0) break;
    runs += deleted;
  }
  while ((await store.shrink(SHRINK_STEP_BYTES)) > 0);
  const after = store.size();
  const result = { runs, bytesFreed: Math.max(0, before.bytes - after.bytes), databaseBytes: after.bytes };
  await store.record(audit(result));
  return result;
}
