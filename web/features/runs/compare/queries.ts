import { useQuery } from "@tanstack/react-query";
import { useApi } from "../../../lib/api.ts";
import { queryKeys } from "../../../lib/queryKeys.ts";

/** Others are named by their id. */
const CANDIDATES_MAX = 50;

/** The newest runs of the same workflow. */
export function useCandidates(workflow: string) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.runCandidates(workflow),
    queryFn: async ({ signal }) => (await api.listRuns({ query: { workflow, limit: CANDIDATES_MAX }, signal })).items,
  });
}

export function useComparison(a: string, b: string) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.runComparison(a, b),
    queryFn: ({ signal }) => api.compareRuns({ query: { a, b }, signal }),
  });
}
