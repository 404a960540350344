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
export type { JsonValue } from "./jsonValue.ts";
