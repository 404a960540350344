import { PAGE_LIMIT_MAX, type RunSummary, type RunTaskSummary } from "@logomesh/contracts";
import type { Workbench } from "@logomesh/core";

/** Tasks that a snapshot carries at most; the rest of a larger run is in its list of tasks. */
const SNAPSHOT_TASKS_MAX = 10_000;

/** The run with its tasks, as far as clients get them without asking; nothing when no single run is watched. */
export async function readSnapshot(
  workflows: Workbench["workflows"],
  runId: string | undefined,
): Promise<{ run?: RunSummary; tasks?: RunTaskSummary[] }> {
  if (runId === undefined) return {};
  const { input: _input, output: _output, ...run } = await workflows.getRun(runId);
  const tasks: RunTaskSummary[] = [];
  for (let cursor: string | null | undefined; cursor !== null && tasks.length < SNAPSHOT_TASKS_MAX;) {
    const page = await workflows.listTasks(runId, {
      limit: PAGE_LIMIT_MAX,
      ...(cursor === undefined ? {} : { cursor }),
    });
    tasks.push(...page.items);
    cursor = page.nextCursor;
  }
  return { run, tasks };
}
