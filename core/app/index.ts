// Light to load: what opens a workspace or looks at the machine loads the rest when it is called.
export { loadConfig, type Config } from "../config/index.ts";
export { createLogger } from "../logger/index.ts";
export { createWorkbench } from "./createWorkbench.ts";
export { diagnose, type Diagnosis } from "./diagnose.ts";
export {
  PLUGIN_TEMPLATES,
  checkPlugin,
  createPluginFolder,
  importServer,
  packPlugin,
  searchPlugins,
  testPluginFolder,
} from "./pluginToolkit.ts";
export { initWorkspace, type InitializedWorkspace } from "./initWorkspace.ts";
export { parseConstitution } from "../policy/index.ts";
export { requireWorkspace, stateHome, workspacePaths, type WorkspacePaths } from "./workspace.ts";
export type { OnToolProgress } from "../ports/index.ts";
export type {
  AccessService,
  AuditService,
  Caller,
  ClientCall,
  ClientService,
  LockdownService,
  EventService,
  ModelService,
  PluginService,
  PolicyService,
  RunMessage,
  SecretService,
  ThoughtService,
  Workbench,
  WorkflowService,
} from "./workbench.ts";
