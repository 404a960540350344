import type { JsonObject, PluginPermissions } from "@logomesh/contracts";
import { loadConfig } from "../config/index.ts";
import type { Logger } from "../ports/index.ts";
import { openParts } from "./openParts.ts";
import type { Caller } from "./workbench.ts";
import { bundledPaths, copyWorkspaceTemplate, type WorkspacePaths } from "./workspace.ts";
import { defineWorkflowFiles } from "./workflowFiles.ts";

/** Making a workspace is an act of the person at the machine. */
const INIT: Caller = {
  actor: { type: "person", id: "init" },
  principal: { type: "Client", id: "init" },
  scopes: ["admin"],
};

export interface InitializedWorkspace {
  paths: WorkspacePaths;
  /** The bundled plugins with what each was granted. */
  plugins: { id: string; name: string; version: string; permissions: PluginPermissions }[];
  workflows: { namespace: string; name: string; version: string; grants: { action: string; resource: string }[] }[];
}

/**
 * Makes a workspace in an empty or missing folder: template, samples, keys, log, and the grants of what comes along.
 * @throws LogoMeshError LM_WORKSPACE_INVALID when the folder holds anything
 */
export async function initWorkspace(options: {
  root: string;
  environment: { XDG_STATE_HOME?: string | undefined };
  logger: Logger;
}): Promise<InitializedWorkspace> {
  const { root, environment, logger } = options;
  const paths = copyWorkspaceTemplate(root, bundledPaths());
  const config = loadConfig({ file: paths.config, environment: {} });
  await using parts = await openParts({ root, config, logger, environment });
  const plugins = parts.plugins.list();
  for (const { id, sha256, permissions } of plugins) {
    await parts.grants.grantPlugin({
      pluginId: id,
      sha256,
      group: "builtin",
      permissions: permissions as JsonObject,
      grantedBy: "person:init",
    });
  }
  const workflows = await defineWorkflowFiles({ folder: paths.workflows, engine: parts.engine, caller: INIT, logger });
  return {
    paths,
    plugins: plugins.map(({ id, name, version, permissions }) => ({ id, name, version, permissions })),
    workflows: workflows.map(({ namespace, name, version, grants }) => ({ namespace, name, version, grants })),
  };
}
