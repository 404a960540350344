import type { Extension } from "@codemirror/state";
import type { ModelsStatus, Plugin, WorkflowSummary } from "@logomesh/contracts";
import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useApi } from "../../../lib/api.ts";
import { queryKeys } from "../../../lib/queryKeys.ts";
import { useWorkflows } from "../queries.ts";
import type { Knowledge } from "./grammar.ts";
import { workflowLanguage } from "./workflowLanguage.ts";

/** The same language each time; it proposes what the workbench has answered so far. */
export function useWorkflowLanguage(): Extension {
  const api = useApi();
  const cache = useQueryClient();
  useQuery({
    queryKey: queryKeys.plugins,
    queryFn: async ({ signal }) => (await api.listPlugins({ signal })).items,
  });
  useQuery({ queryKey: queryKeys.models, queryFn: ({ signal }) => api.getModels({ signal }) });
  useWorkflows();
  return useMemo(() => workflowLanguage(() => knowledgeIn(cache)), [cache]);
}

/** Plugins that are granted, models with their aliases, and workflows. */
function knowledgeIn(cache: QueryClient): Knowledge {
  const models = cache.getQueryData<ModelsStatus>(queryKeys.models);
  return {
    plugins: (cache.getQueryData<Plugin[]>(queryKeys.plugins) ?? []).filter(({ granted }) => granted),
    models: [
      ...Object.entries(models?.aliases ?? {}).map(([name, { model, provider }]) => ({
        name,
        detail: `alias of ${model} (${provider})`,
      })),
      ...(models?.models ?? []).map(({ name, provider }) => ({ name, detail: provider })),
    ],
    workflows: cache.getQueryData<WorkflowSummary[]>(queryKeys.workflows) ?? [],
  };
}
