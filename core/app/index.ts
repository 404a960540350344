export type {
  AccessService,
  AuditService,
  Caller,
  ModelService,
  PluginService,
  RunMessage,
  ThoughtService,
  Workbench,
  WorkflowService,
} from "./workbench.ts";
