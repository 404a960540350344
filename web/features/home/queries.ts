import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "../../lib/api.ts";
import { RECENT_RUNS } from "../../lib/liveCache.ts";
import { queryKeys } from "../../lib/queryKeys.ts";

const SAMPLE = { namespace: "default", name: "reading-digest" };

/** Everything the first page shows; each part fails by itself. */
export function useHome() {
  const api = useApi();
  const status = useQuery({ queryKey: queryKeys.status, queryFn: ({ signal }) => api.getStatus({ signal }) });
  const plugins = useQuery({
    queryKey: queryKeys.plugins,
    queryFn: async ({ signal }) => (await api.listPlugins({ signal })).items,
  });
  const workflows = useQuery({
    queryKey: queryKeys.workflows,
    queryFn: async ({ signal }) => (await api.listWorkflows({ query: { limit: 500 }, signal })).items,
  });
  // Beside the lists, so that live messages refresh it as them.
  const runs = useQuery({
    queryKey: queryKeys.recentRuns,
    queryFn: async ({ signal }) => (await api.listRuns({ query: { limit: RECENT_RUNS }, signal })).items,
  });
  const hasSample = workflows.data?.some(
    ({ namespace, name }) => namespace === SAMPLE.namespace && name === SAMPLE.name,
  );
  return { status, plugins, runs, hasSample, workflows };
}

/** Starts the sample workflow on a passage that ships with it. */
export function useStartSample() {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      const { default: text } = await import("../../../workflows/samples/walden.md?raw");
      return await api.startRun({ body: { workflow: SAMPLE, input: { text, name: "walden.md" } } });
    },
    onSuccess: (run) => {
      cache.setQueryData(queryKeys.run(run.id), run);
      void cache.invalidateQueries({ queryKey: queryKeys.runLists });
    },
  });
}
