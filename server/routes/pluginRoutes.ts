import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

type PluginRoute =
  | "listPlugins"
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

export function pluginRoutes({ plugins }: Workbench): HandlersOf<PluginRoute> {
  return {
    listPlugins: () => ({ items: plugins.list() }),
    getPlugin: ({ params }) => plugins.get(params.id),
    installPlugin: ({ body, identity }) => plugins.install(body, identity.caller),
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
    callTool: ({ params, body, identity, signal }) =>
      plugins.call({ pluginId: params.id, tool: params.tool }, body, { caller: identity.caller, signal }),
  };
}
