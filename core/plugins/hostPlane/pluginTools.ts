import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { z } from "zod";
import type { BlobStore, PluginTools } from "../../ports/index.ts";
import { pluginOwner } from "../../storage/index.ts";
import { blobHandlesIn } from "./blobHandles.ts";
import { AnyObject, hostTool, type HostTool } from "./hostTool.ts";

/** A plugin's call may take as long as a manifest may allow; the callee's own limit is what counts. */
const TIMEOUT_MS = 3_600_000;

const Input = z.strictObject({
  plugin: z.string().min(1).max(128),
  tool: z.string().min(1).max(128),
  arguments: AnyObject.default({}),
  timeoutMs: z.int().min(10).max(TIMEOUT_MS).optional(),
});

/** `plugin_call`: another plugin's tool, in the name of this plugin and of everyone it works for. */
export function pluginTools(plugins: PluginTools, blobs: BlobStore | undefined): Record<string, HostTool> {
  /** Handles in what crosses from one plugin to another are readable for both. */
  const handOver = async (value: JsonValue, { from, to }: { from: string; to: string }): Promise<void> => {
    if (blobs === undefined) return;
    for (const sha256 of blobHandlesIn(value))
      await blobs.share(sha256, { from: pluginOwner(from), to: pluginOwner(to) }).catch(() => undefined); // not its own: stays unreadable
  };
  return {
    plugin_call: hostTool({
      description:
        "Calls a tool of another plugin that this plugin may call. Blob handles in the arguments and in the result can be read by both. With a progress token, what the tool tells of its progress is passed on.",
      input: Input,
      output: z.object({
        content: z.array(z.looseObject({ type: z.string() })),
        structuredContent: z.json().optional(),
        isError: z.boolean(),
        durationMs: z.number(),
      }),
      timeoutMs: TIMEOUT_MS,
      record: "queued",
      subject: ({ plugin, tool }) => ({ plugin, tool }),
      async run({ plugin, tool, arguments: args, timeoutMs }, request) {
        const { pluginId, callers, run, signal, isTainted } = request;
        // Asked here too, before anything is handed over.
        request.require("plugin.call", { type: "Tool", id: `${plugin}#${tool}` });
        await handOver(args, { from: pluginId, to: plugin });
        let isPrivate = false;
        const calling = plugins.callTool(
          {
            ...{ pluginId: plugin, tool, arguments: args, chain: callers, tainted: isTainted },
            caller: { type: "Plugin", id: pluginId },
            ...(timeoutMs === undefined ? {} : { timeoutMs }),
            ...(run === undefined ? {} : { run }),
          },
          {
            ...{ signal, onTaint: () => (isPrivate = true) },
            // What is private waits for the answer, before which the caller is tainted.
            onProgress: (progress) => (isPrivate ? undefined : request.onProgress?.(progress)),
          },
        );
        // What failed may carry what the other has read as well.
        const answer = await calling.finally(() => (isPrivate ? request.taint() : undefined));
        await handOver(answer as unknown as JsonObject, { from: plugin, to: pluginId });
        return {
          result: answer as unknown as JsonObject,
          data: { isError: answer.isError, durationUs: Math.round(answer.durationMs * 1_000) },
          payload: {
            arguments: { bytes: JSON.stringify(args), media: "application/json" },
            result: { bytes: JSON.stringify(answer.structuredContent ?? answer.content), media: "application/json" },
          },
        };
      },
    }),
  };
}
