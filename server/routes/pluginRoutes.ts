import type { Workbench } from "@logomesh/core";
import type { ServerLogger } from "../options.ts";
import type { HandlersOf } from "./route.ts";
import { streamLines, wantsLines } from "./streamLines.ts";

type PluginRoute =
  | "listPlugins"
  | "searchRegistry"
  | "getPlugin"
  | "installPlugin"
  | "uninstallPlugin"
  | "enablePlugin"
  | "disablePlugin"
  | "getPluginSettings"
  | "setPluginSettings"
  | "reloadPlugin"
  | "serveDevelopmentPlugin"
  | "endPluginDevelopment"
  | "loadPlugin"
  | "unloadPlugin"
  | "grantPlugin"
  | "getPluginGrant"
  | "resetPlugin"
  | "revokePlugin"
  | "releasePlugin"
  | "forgetPrivateData"
  | "declassifyPrivateData"
  | "getPluginLogs"
  | "callTool";

export function pluginRoutes({ plugins, registry }: Workbench, logger: ServerLogger): HandlersOf<PluginRoute> {
  return {
    listPlugins: () => ({ items: plugins.list() }),
    searchRegistry: ({ query }) => registry.search(query),
    getPlugin: ({ params }) => plugins.get(params.id),
    installPlugin: ({ body, bytes, query, identity, signal }) =>
      bytes === undefined
        ? plugins.install(body, identity.caller)
        : plugins.installSent({ bytes, name: query.name, signal }, identity.caller),
    uninstallPlugin: async ({ params, query, identity }) => {
      await plugins.uninstall(params.id, { force: query.force ?? false, caller: identity.caller });
      return { ok: true };
    },
    enablePlugin: ({ params, identity }) => plugins.setEnabled(params.id, { enabled: true, caller: identity.caller }),
    disablePlugin: ({ params, identity }) => plugins.setEnabled(params.id, { enabled: false, caller: identity.caller }),
    getPluginSettings: ({ params }) => plugins.settings(params.id),
    setPluginSettings: ({ params, body, identity }) =>
      plugins.setSettings(params.id, { settings: body.settings, caller: identity.caller }),
    reloadPlugin: ({ params, identity }) => plugins.reload(params.id, identity.caller),
    serveDevelopmentPlugin: ({ body, identity }) => plugins.serveDevelopment(body.path, identity.caller),
    endPluginDevelopment: async ({ params }) => {
      await plugins.endDevelopment(params.id);
      return { ok: true };
    },
    loadPlugin: ({ params, identity }) => plugins.load(params.id, identity.caller),
    unloadPlugin: ({ params, identity }) => plugins.unload(params.id, identity.caller),
    grantPlugin: ({ params, body, identity }) => plugins.grant(params.id, { ...body, caller: identity.caller }),
    getPluginGrant: ({ params }) => {
      const grant = plugins.grantOf(params.id);
      return grant === undefined ? {} : { grant };
    },
    resetPlugin: ({ params, identity }) => plugins.reset(params.id, identity.caller),
    revokePlugin: ({ params, identity }) => plugins.revoke(params.id, identity.caller),
    forgetPrivateData: ({ params, identity }) => plugins.forgetPrivateData(params.id, { caller: identity.caller }),
    declassifyPrivateData: ({ params, body, identity }) =>
      plugins.forgetPrivateData(params.id, { ...body, caller: identity.caller }),
    releasePlugin: ({ params, identity }) => plugins.release(params.id, identity.caller),
    getPluginLogs: ({ params }) => ({ lines: plugins.logs(params.id) }),
    callTool(call) {
      const { params, body, identity, request, signal } = call;
      const target = { pluginId: params.id, tool: params.tool };
      const { caller } = identity;
      if (!wantsLines(request)) return plugins.call(target, body, { caller, signal });
      return streamLines({
        ...{ call, logger },
        work: async (send, signal) => ({
          result: await plugins.call(target, body, { caller, signal, onProgress: (progress) => send({ progress }) }),
        }),
      });
    },
  };
}
