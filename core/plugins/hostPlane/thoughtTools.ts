import { CreateThoughtParamsSchema, ThoughtDetailSchema, ThoughtSchema, type JsonObject } from "@logomesh/contracts";
import { z } from "zod";
import type { Thoughts } from "../../ports/index.ts";
import { hostTool, type HostTool } from "./hostTool.ts";

const FOUND_MAX = 100;
const THOUGHTS = { type: "Thoughts", id: "*" } as const;

/** `thought_search`, `thought_get`, `thought_create`. Who reads a thought is tainted from then on. */
export function thoughtTools(thoughts: Thoughts): Record<string, HostTool> {
  return {
    thought_search: hostTool({
      description:
        "Finds thoughts that contain all of the words, newest first. Whoever reads thoughts handles private data from then on.",
      input: z.strictObject({
        text: z.string().max(500).default(""),
        tag: z.string().min(1).max(100).optional(),
        limit: z.int().min(1).max(FOUND_MAX).default(20),
      }),
      output: z.object({ thoughts: z.array(ThoughtSchema) }),
      record: "awaited",
      subject: ({ limit }) => ({ limit }),
      async run(query, request) {
        request.require("thought.read", THOUGHTS);
        const found = await thoughts.search(query);
        await request.taint();
        return {
          result: { thoughts: found as unknown as JsonObject[] },
          data: { thoughts: found.map(({ id }) => id) },
          payload: { query: { bytes: JSON.stringify(query), media: "application/json" } },
        };
      },
    }),
    thought_get: hostTool({
      description: "A thought with its segments.",
      input: z.strictObject({ id: z.string().min(1).max(80) }),
      output: z.object({ thought: ThoughtDetailSchema }),
      record: "awaited",
      subject: ({ id }) => ({ thought: id }),
      async run({ id }, request) {
        request.require("thought.read", THOUGHTS);
        const thought = await thoughts.get(id);
        await request.taint();
        return { result: { thought: thought as unknown as JsonObject } };
      },
    }),
    thought_create: hostTool({
      description: "Adds a thought.",
      input: CreateThoughtParamsSchema,
      output: z.object({ id: z.string() }),
      record: "awaited",
      subject: () => ({}),
      async run(params, request) {
        request.require("thought.write", THOUGHTS);
        const { pluginId, run } = request;
        const { id } = await thoughts.create(params, {
          actor: { type: "plugin", id: pluginId },
          ...(run === undefined ? {} : { runId: run.runId }),
        });
        return { result: { id }, data: { thought: id } };
      },
    }),
  };
}
