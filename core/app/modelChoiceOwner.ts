import {
  LogoMeshError,
  ModelProposalSchema,
  type JsonObject,
  type ModelChoice,
  type ModelProposal,
} from "@logomesh/contracts";
import { canonicalJson } from "../base/index.ts";
import type { ApprovalOwner, ApprovalOwnerOptions, ModelChoices, Policy } from "../ports/index.ts";

/** What carries out approvals of kind `model`: the alias means what was approved, unless somebody chose otherwise since it was proposed. */
export function createModelChoiceOwner({ models, policy }: { models: ModelChoices; policy: Policy }): {
  owner: ApprovalOwner;
  options: ApprovalOwnerOptions;
} {
  return {
    async owner({ payload, decision, requestedBy, decidedBy }) {
      const proposal = parseProposal(payload);
      const { alias, replaces } = proposal;
      const choice = choiceOf(proposal);
      if (decision !== "approved") return { alias };
      // Cut off after it was carried out.
      if (isSame(models.chosen(alias), choice)) return { alias, ...choice } as JsonObject;
      requireCurrent(models.chosen(alias), replaces, alias);
      const { provider, simulated } = await models.offered(alias, choice);
      // Consent does not outlive the right to ask.
      if (requestedBy.type === "plugin")
        policy.require({
          principal: { type: "Plugin", id: requestedBy.id },
          action: "model.propose",
          resource: modelResource(choice, { provider, simulated }),
        });
      await models.choose(alias, choice, { actor: decidedBy });
      return { alias, ...choice } as JsonObject;
    },
    options: {
      check: parseProposal,
      async undo({ payload, decidedBy }) {
        const proposal = parseProposal(payload);
        const { alias, replaces } = proposal;
        if (isSame(models.chosen(alias), replaces ?? undefined)) return;
        requireCurrent(models.chosen(alias), choiceOf(proposal), alias);
        await models.choose(alias, replaces ?? undefined, { actor: decidedBy });
      },
    },
  };
}

/** What the policy is asked about a choice; whatever is offered for an alias is on this machine. */
function modelResource(choice: ModelChoice, { provider, simulated }: { provider: string; simulated: boolean }) {
  const attributes = { name: choice.model, provider, local: true, simulated };
  return { type: "Model" as const, id: choice.model, attributes };
}

function choiceOf({ provider, model, options }: ModelProposal): ModelChoice {
  return { provider, model, ...(options === undefined || Object.keys(options).length === 0 ? {} : { options }) };
}

/** @throws LogoMeshError LM_CONFLICT */
function requireCurrent(current: ModelChoice | undefined, expected: ModelChoice | null, alias: string): void {
  if (isSame(current, expected ?? undefined)) return;
  const now = current === undefined ? "the workbench chooses" : `it stands for ${current.model}`;
  throw new LogoMeshError(
    "LM_CONFLICT",
    `What ${alias} stands for was changed since this was proposed (now ${now}); nothing was changed.`,
  );
}

function isSame(one: ModelChoice | undefined, other: ModelChoice | undefined): boolean {
  return canonicalJson(one ?? null) === canonicalJson(other ?? null);
}

/** @throws LogoMeshError LM_INPUT_INVALID */
function parseProposal(payload: JsonObject): ModelProposal {
  const result = ModelProposalSchema.safeParse(payload);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => ({ pointer: `/${path.join("/")}`, message }));
  throw new LogoMeshError("LM_INPUT_INVALID", "The payload is no proposal of a model.", { problems });
}
