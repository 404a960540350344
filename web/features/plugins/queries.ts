import type { CallToolParams, Plugin, PluginPermissions } from "@logomesh/contracts";
import { useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useApi } from "../../lib/api.ts";
import type { PluginSample } from "../../lib/liveCache.ts";
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

/** Undefined while it loads, and when it was granted nothing. */
export function usePluginGrant(pluginId: string) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.pluginGrant(pluginId),
    queryFn: async ({ signal }) => (await api.getPluginGrant({ params: { id: pluginId }, signal })).grant ?? null,
    select: (grant) => grant ?? undefined,
  });
}

/** What it used lately, a sample for each message of the live feed. */
export function usePluginSamples(pluginId: string): readonly PluginSample[] {
  const { data = [] } = useQuery<readonly PluginSample[]>({
    queryKey: queryKeys.pluginSamples(pluginId),
    queryFn: () => [],
    enabled: false,
  });
  return data;
}

/** From a file of this machine, which is read as it is sent. */
export function useInstall() {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (bundle: File) => api.sendPlugin({ bundle, name: bundle.name.slice(0, 200) }),
    onSuccess: () => void cache.invalidateQueries({ queryKey: queryKeys.plugins }),
  });
}

/** Grants all that is asked for, or the part that is given. */
export function useGrant({ id, sha256 }: Pick<Plugin, "id" | "sha256">) {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (wanted: { permissions?: PluginPermissions; outsideSandbox?: true }) =>
      api.grantPlugin({ params: { id }, body: { sha256, ...wanted } }),
    onSuccess: (changed) => {
      putPlugin(cache, changed);
      void cache.invalidateQueries({ queryKey: queryKeys.pluginGrant(id) });
    },
  });
}

function putPlugin(cache: QueryClient, changed: Plugin): void {
  cache.setQueryData<Plugin[]>(queryKeys.plugins, (plugins) =>
    plugins?.map((plugin) => (plugin.id === changed.id ? changed : plugin)),
  );
}

export type PluginAction = "load" | "unload" | "restart" | "revoke" | "reset" | "release" | "forget";

export function usePluginAction({ id }: Pick<Plugin, "id">) {
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
        case "restart":
          return api.reloadPlugin({ params });
        case "revoke":
          return api.revokePlugin({ params });
        case "reset":
          return api.resetPlugin({ params });
        case "forget":
          return api.forgetPrivateData({ params });
        case "release":
          return api.releasePlugin({ params });
      }
    },
    onSuccess: (changed) => putPlugin(cache, changed),
  });
}

export function useCallTool(pluginId: string, tool: string) {
  const api = useApi();
  return useMutation({
    mutationFn: (call: CallToolParams) => api.callTool({ params: { id: pluginId, tool }, body: call }),
  });
}
