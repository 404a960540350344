/** What the runs pages ask of the workbench. Live messages patch the same cache. */
import type { RunTaskSummary } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { queryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useApi } from "../../lib/api.ts";
import { queryKeys, type RunFilter } from "../../lib/queryKeys.ts";

const PAGE_LIMIT = 100;
/** Larger inputs and outputs are loaded when somebody asks for them. */
const PAYLOAD_BYTES_UNASKED = 131_072;
const TASK_PAGE_LIMIT = 500;
/** A run with more tasks shows the first ones; the command line has them all. */
export const TASKS_SHOWN_MAX = 10_000;

export function useRunList(filter: RunFilter) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: queryKeys.runList(filter),
    queryFn: ({ pageParam, signal }) =>
      api.listRuns({
        query: {
          limit: PAGE_LIMIT,
          ...(filter.status === undefined ? {} : { status: filter.status }),
          ...(filter.q === undefined ? {} : { q: filter.q }),
          ...(pageParam === undefined ? {} : { cursor: pageParam }),
        },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

export function useRun(runId: string) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.run(runId),
    queryFn: ({ signal }) =>
      api.getRun({ params: { id: runId }, query: { payloadBytesMax: PAYLOAD_BYTES_UNASKED }, signal }),
  });
}

/** With all payloads, however large; once somebody asked for them. */
export function useWholeRun(runId: string, isAsked: boolean) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.wholeRun(runId),
    queryFn: ({ signal }) => api.getRun({ params: { id: runId }, signal }),
    enabled: isAsked,
  });
}

export function useRunTasks(runId: string) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.runTasks(runId),
    queryFn: ({ signal }) => fetchTasks(api, runId, signal),
  });
}

async function fetchTasks(api: Client, runId: string, signal: AbortSignal): Promise<RunTaskSummary[]> {
  const tasks: RunTaskSummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.listRunTasks({
      params: { id: runId },
      query: { limit: TASK_PAGE_LIMIT, ...(cursor === undefined ? {} : { cursor }) },
      signal,
    });
    tasks.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && tasks.length < TASKS_SHOWN_MAX);
  return tasks;
}

export function useRunTask(runId: string, seq: number) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.runTask(runId, seq),
    queryFn: ({ signal }) =>
      api.getRunTask({ params: { id: runId, seq }, query: { payloadBytesMax: PAYLOAD_BYTES_UNASKED }, signal }),
  });
}

/** With all payloads, however large; once somebody asked for them. */
export function useWholeRunTask(runId: string, seq: number, isAsked: boolean) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.wholeRunTask(runId, seq),
    queryFn: ({ signal }) => api.getRunTask({ params: { id: runId, seq }, signal }),
    enabled: isAsked,
  });
}

/** Text of a model as it arrives; only what came while this page was open. */
export function useRunText(runId: string, seq: number) {
  return useQuery(
    queryOptions<string>({
      queryKey: queryKeys.runText(runId, seq),
      queryFn: () => "",
      enabled: false,
      staleTime: Infinity,
    }),
  );
}

/** A run is pinned to its definition: it never changes. */
export function useRunDefinition(runId: string) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.runDefinition(runId),
    queryFn: ({ signal }) => api.getRunDefinition({ params: { id: runId }, signal }),
    staleTime: Infinity,
  });
}
