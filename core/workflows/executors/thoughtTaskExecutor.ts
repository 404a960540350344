import { CreateThoughtParamsSchema, type JsonObject } from "@logomesh/contracts";
import type { Policy, ThoughtWrites } from "../../ports/index.ts";
import { parseArguments } from "./parseArguments.ts";
import type { TaskExecutor } from "./taskExecutor.ts";

/** `call: thought.create`. The thought is a write of its step: it is stored exactly once, with the step or not at all. */
export function createThoughtTaskExecutor({
  thoughts,
  policy,
}: {
  thoughts: ThoughtWrites;
  policy: Policy;
}): TaskExecutor {
  return {
    kind: "thought.create",
    effect: () => "idempotent",
    execute(request, { idempotencyKey, simulated, tainted }) {
      return Promise.resolve().then(() => {
        const params = parseArguments(CreateThoughtParamsSchema, request.arguments, "thought.create");
        policy.require({
          principal: request.principal,
          action: "thought.write",
          resource: { type: "Thoughts", id: "*" },
          context: { tainted, run: request.runId, task: request.task.reference },
        });
        const { thought, write } = thoughts.prepareCreate(params, {
          key: idempotencyKey,
          runId: request.runId,
          simulated,
        });
        return {
          output: thought as unknown as JsonObject,
          writes: [write],
          details: { thoughtId: thought.id },
        };
      });
    },
  };
}
