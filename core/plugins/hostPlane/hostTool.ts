import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { z } from "zod";
import type { AuditEntryDraft, AuditPayload, OnToolProgress, PolicyRequest, Principal } from "../../ports/index.ts";

/** One request of a plugin, as a tool of the host plane sees it. */
export interface HostRequest {
  pluginId: string;
  /** Everybody in whose name the plugin may be asking; the outermost first. */
  callers: readonly Principal[];
  run: { runId: string; taskReference: string } | undefined;
  /** The process has read private data. */
  readonly isTainted: boolean;
  /** From now on it has. What is private is handed out when this has resolved. */
  taint(): Promise<void>;
  /** What a person granted. */
  granted(): JsonObject;
  signal: AbortSignal;
  /** Text that comes bit by bit, for a caller that wants to see it. */
  onText: ((text: string) => void) | undefined;
  /** How far another plugin's call is, for a caller that wants to see it. */
  onProgress: OnToolProgress | undefined;
  /**
   * Passes what the plugin, and with it every caller, is allowed. What belongs to the plugin alone is asked of the plugin alone.
   * @throws LogoMeshError LM_POLICY_DENIED
   */
  require(action: string, resource: PolicyRequest["resource"], options?: { isOwn?: boolean }): void;
  /** The entry of this operation, for a command that changes state together with it. */
  entry(data: JsonObject): AuditEntryDraft;
}

export interface HostAnswer {
  /** The tool's `structuredContent`. */
  result: JsonObject;
  /** Of the entry: hashes and sizes, never content. */
  data?: JsonObject;
  payload?: Record<string, AuditPayload>;
  /** The entry was committed together with the change. */
  isRecorded?: boolean;
}

/** One tool of the PluginAPI. */
export interface HostTool<Input extends z.ZodType = z.ZodType> {
  description: string;
  input: Input;
  output: z.ZodType;
  /** Default: 30 s. */
  timeoutMs?: number;
  /** `awaited`: the answer leaves when its entry is on disk, so that nothing private is handed out unrecorded. */
  record: "awaited" | "queued";
  /** What the operation is about, for the entry: path, key, host. */
  subject(args: z.output<Input>): JsonObject;
  run(args: z.output<Input>, request: HostRequest): Promise<HostAnswer>;
}

/** Keeps the types of one tool together. */
export function hostTool<Input extends z.ZodType>(tool: HostTool<Input>): HostTool {
  return tool;
}

/** A value that came out of a JSON parser: passed on as it is, because a copy would lose keys like `__proto__`. */
export const AnyValue = z
  .unknown()
  .refine((value) => value !== undefined, "is missing")
  .transform((value) => value as JsonValue);

/** The same for an object. */
export const AnyObject = z
  .unknown()
  .refine((value) => typeof value === "object" && value !== null && !Array.isArray(value), "must be an object")
  .meta({ type: "object" })
  .transform((value) => value as JsonObject);
