import { ModelProposalSchema, type JsonObject } from "@logomesh/contracts";
import { z } from "zod";
import type { Approvals, ModelChoices } from "../../ports/index.ts";
import { hostTool, type HostTool } from "./hostTool.ts";

/** Of the options, as JSON: a person reads them. */
const OPTIONS_CHARS_MAX = 4_000;

export interface ProposalServices {
  choices: ModelChoices;
  approvals: Approvals;
}

/** `model_propose`: what an alias of the workbench shall stand for. Nothing changes until a person has approved exactly this. */
export function proposalTools({ choices, approvals }: ProposalServices): Record<string, HostTool> {
  return {
    model_propose: hostTool({
      description:
        "Proposes which model `default` or `fast` shall stand for, of those that are offered. Nothing changes until a person approves it.",
      input: ModelProposalSchema.omit({ replaces: true }).refine(
        ({ options = {} }) => JSON.stringify(options).length <= OPTIONS_CHARS_MAX,
        { path: ["options"], message: `have more than ${OPTIONS_CHARS_MAX} characters` },
      ),
      output: z.object({ approvalId: z.string(), contentHash: z.string(), status: z.literal("pending") }),
      record: "awaited",
      subject: ({ alias, provider, model }) => ({ alias, provider, model }),
      async run(proposal, request) {
        const { alias, provider, model } = proposal;
        // Before it is told what there is.
        request.require("model.propose", {
          type: "Model",
          id: model,
          attributes: { name: model, provider, local: true },
        });
        await choices.offered(alias, proposal);
        const { pluginId, run } = request;
        const { approvalId, contentHash } = await approvals.request({
          kind: "model",
          title: `Let ${alias} stand for ${model} (${provider})`,
          requestedBy: { type: "plugin", id: pluginId },
          payload: { ...proposal, replaces: choices.chosen(alias) ?? null } as JsonObject,
          trace: { plugin: pluginId, ...(run === undefined ? {} : { run: run.runId, task: run.taskReference }) },
        });
        return { result: { approvalId, contentHash, status: "pending" }, data: { approval: approvalId } };
      },
    }),
  };
}
