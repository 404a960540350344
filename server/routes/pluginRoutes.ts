import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

type PluginRoute =
  | "listPlugins"
  | "getPlugin"
  | "loadPlugin"
  | "unloadPlugin"
  | "grantPlugin"
  | "revokePlugin"
  | "releasePlugin"
  | "getPluginLogs"
  | "callTool";

export function pluginRoutes({ plugins }: Workbench): HandlersOf<PluginRoute> {
  return {
    listPlugins: () => ({ items: plugins.list() }),
    getPlugin: ({ params }) => plugins.get(params.id),
    loadPlugin: ({ params, identity }) => plugins.load(params.id, identity.caller),
    unloadPlugin: ({ params, identity }) => plugins.unload(params.id, identity.caller),
    grantPlugin: ({ params, body, identity }) =>
      plugins.grant(params.id, { sha256: body.sha256, caller: identity.caller }),
    revokePlugin: ({ params, identity }) => plugins.revoke(params.id, identity.caller),
    releasePlugin: ({ params, identity }) => plugins.release(params.id, identity.caller),
    getPluginLogs: ({ params }) => ({ lines: plugins.logs(params.id) }),
    callTool: ({ params, body, identity, signal }) =>
      plugins.call({ pluginId: params.id, tool: params.tool }, body, { caller: identity.caller, signal }),
  };
}
