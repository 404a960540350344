import type { StartRunParams } from "@logomesh/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useApi } from "../../lib/api.ts";
import { queryKeys } from "../../lib/queryKeys.ts";

/** More workflows than this are found by the command line and the palette. */
const WORKFLOWS_MAX = 500;
const TYPING_PAUSE_MS = 300;

export interface WorkflowKey {
  namespace: string;
  name: string;
  version?: string | undefined;
}

export function useWorkflows() {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.workflows,
    queryFn: async ({ signal }) => (await api.listWorkflows({ query: { limit: WORKFLOWS_MAX }, signal })).items,
  });
}

export function useWorkflow(key: WorkflowKey) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.workflow(key),
    queryFn: ({ signal }) =>
      api.getWorkflow({
        params: { namespace: key.namespace, name: key.name },
        query: key.version === undefined ? {} : { version: key.version },
        signal,
      }),
  });
}

/** Problems of a source, asked for a moment after the last change. */
export function useValidation(source: string) {
  const api = useApi();
  const [settled, setSettled] = useState(source);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(source), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [source]);
  const validation = useQuery({
    queryKey: ["workflows", "validation", settled],
    queryFn: ({ signal }) => api.validateWorkflow({ body: { source: settled }, signal }),
    enabled: settled.trim() !== "",
    staleTime: Infinity,
    gcTime: 60_000,
    placeholderData: (previous) => previous,
  });
  return { validation, settled };
}

export function useDefineWorkflow() {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (source: string) => api.defineWorkflow({ body: { source } }),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: queryKeys.workflows });
      void cache.invalidateQueries({ queryKey: queryKeys.workflowDetails });
    },
  });
}

export function useStartRun() {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (params: StartRunParams) => api.startRun({ body: params }),
    onSuccess: (run) => {
      cache.setQueryData(queryKeys.run(run.id), run);
      void cache.invalidateQueries({ queryKey: queryKeys.runLists });
    },
  });
}
