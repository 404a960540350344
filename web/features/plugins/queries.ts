import type { CallToolParams, Plugin } from "@logomesh/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "../../lib/api.ts";
import { queryKeys } from "../../lib/queryKeys.ts";

const LOGS_REFRESH_MS = 3000;

export function usePlugins() {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.plugins,
    queryFn: async ({ signal }) => (await api.listPlugins({ signal })).items,
  });
}

export function usePluginLogs(pluginId: string) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.pluginLogs(pluginId),
    queryFn: async ({ signal }) => (await api.getPluginLogs({ params: { id: pluginId }, signal })).lines,
    refetchInterval: LOGS_REFRESH_MS,
  });
}

export type PluginAction = "load" | "unload" | "grant" | "revoke" | "release";

export function usePluginAction({ id, sha256 }: Pick<Plugin, "id" | "sha256">) {
  const api = useApi();
  const cache = useQueryClient();
  const params = { id };
  return useMutation({
    mutationFn: (action: PluginAction): Promise<Plugin> => {
      switch (action) {
        case "load":
          return api.loadPlugin({ params });
        case "unload":
          return api.unloadPlugin({ params });
        case "grant":
          return api.grantPlugin({ params, body: { sha256 } });
        case "revoke":
          return api.revokePlugin({ params });
        case "release":
          return api.releasePlugin({ params });
      }
    },
    onSuccess: (changed) => {
      cache.setQueryData<Plugin[]>(queryKeys.plugins, (plugins) =>
        plugins?.map((plugin) => (plugin.id === changed.id ? changed : plugin)),
      );
    },
  });
}

export function useCallTool(pluginId: string, tool: string) {
  const api = useApi();
  return useMutation({
    mutationFn: (call: CallToolParams) => api.callTool({ params: { id: pluginId, tool }, body: call }),
  });
}
