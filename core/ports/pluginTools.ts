import type { CallToolResult, Effect, JsonObject, ToolProgress } from "@logomesh/contracts";
import type { Principal } from "./policy.ts";
import type { WriteCommand } from "./writer.ts";

export interface PluginToolCall {
  pluginId: string;
  tool: string;
  arguments: JsonObject;
  /** Who asks; policy is evaluated for it and for everyone in `chain`. */
  caller: Principal;
  chain?: readonly Principal[];
  /** Default: the plugin's `call_timeout_ms`. */
  timeoutMs?: number;
  /** Goes along in `_meta` for tools of class `idempotent`. */
  idempotencyKey?: string;
  /** Who asks has read private data; so has the plugin from then on. */
  tainted?: boolean;
  /** Run and task the call belongs to, for audit and logs. */
  run?: { runId: string; taskReference: string };
}

export interface PluginToolOptions {
  /** Aborting it sends the cancel notification and, after the grace period, kills the process. */
  signal: AbortSignal;
  /** The plugin has read private data, which its answer or its failure may carry. Called before either. */
  onTaint: () => void;
  /** Hears how far the call is; what it is told may be private like the answer. */
  onProgress?: OnToolProgress | undefined;
}

/** How far a call is: rising, at most ten times a second in the long run, and not behind the answer. What plugins say in it is text of strangers. */
export type OnToolProgress = (progress: ToolProgress) => void;

/** Tools of installed plugins, for the other features. */
export interface PluginTools {
  /**
   * Effect class and pinned version of a tool, without starting the plugin; undefined when there is no such plugin.
   * A tool that the manifest does not name is `once`. For a run it is the content that the run began with.
   */
  describeTool(
    pluginId: string,
    tool: string,
    runId?: string,
  ): { effect: Effect; version: string; sha256: string } | undefined;
  /**
   * Starts the plugin when needed and calls the tool. An answer with `isError` is returned, not thrown.
   *
   * @throws LogoMeshError LM_PLUGIN_*, LM_POLICY_DENIED
   */
  callTool(call: PluginToolCall, options: PluginToolOptions): Promise<CallToolResult>;
}

/** Binds runs to the contents of plugins that they began with. */
export interface RunPins {
  /** For the transaction in which the run begins: it goes on calling these plugins as they are granted now. */
  pinRun(runId: string, pluginIds: readonly string[]): WriteCommand[];
  /** For the transaction in which it ends. */
  releaseRun(runId: string): WriteCommand[];
}
