/** What people do with runs that exist. */
import type { ResumeRunParams, Run } from "@logomesh/contracts";
import { useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useApi } from "../../../lib/api.ts";
import { applyRun } from "../../../lib/liveCache.ts";
import { queryKeys } from "../../../lib/queryKeys.ts";

export function useCancelRun(runId: string) {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => api.cancelRun({ params: { id: runId } }),
    onSuccess: (run) => showChanged(cache, run),
  });
}

export function useSuspendRun(runId: string) {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (reason: string | undefined) =>
      api.suspendRun({ params: { id: runId }, body: reason === undefined ? {} : { reason } }),
    onSuccess: (run) => showChanged(cache, run),
  });
}

/** `retry` goes on with a run that has ended, `resume` with one that was left. */
export function useContinueRun(runId: string, how: "resume" | "retry") {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (params: ResumeRunParams) =>
      how === "resume"
        ? api.resumeRun({ params: { id: runId }, body: params })
        : api.retryRun({ params: { id: runId }, body: params }),
    onSuccess: (run) => showChanged(cache, run),
  });
}

function showChanged(cache: QueryClient, run: Run): void {
  const { input: _input, output: _output, ...summary } = run;
  applyRun(cache, summary);
  void cache.invalidateQueries({ queryKey: queryKeys.run(run.id) });
  void cache.invalidateQueries({ queryKey: queryKeys.runTasks(run.id) });
}
