export { tool, type ToolDecoratorOptions } from "./decorator.ts";
export { definePlugin, type Plugin, type ServeOptions } from "./plugin.ts";
export { s, Schema, type JsonSchema, type Presence } from "./schema.ts";
export {
  ToolError,
  type Effect,
  type Handler,
  type PluginInfo,
  type ToolContext,
  type ToolOptions,
  type ToolProgress,
} from "./tool.ts";
export { HostError, connectHost } from "./hostConnection.ts";
export { createHost } from "./host.ts";
export type {
  ModelProposal,
  PendingProposal,
  GenerateAnswer,
  GenerateOptions,
  Host,
  HostEvent,
  HostFile,
  HostFolderEntry,
  HostResponse,
  HostThought,
  NewThought,
  PluginAnswer,
} from "./host.ts";
export type { JsonValue } from "./jsonValue.ts";
