import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

type PolicyRoute =
  "getConstitution" | "putConstitution" | "explainDecision" | "getLockdown" | "beginLockdown" | "endLockdown";

export function policyRoutes({ policy, lockdown }: Workbench): HandlersOf<PolicyRoute> {
  return {
    getConstitution: () => policy.constitution(),
    putConstitution: ({ body, query, identity }) =>
      policy.putConstitution(body, { preview: query.preview ?? false, caller: identity.caller }),
    explainDecision: ({ params }) => policy.why(params.seq),
    getLockdown: () => lockdown.get(),
    beginLockdown: ({ body, identity }) => lockdown.on(body, identity.caller),
    endLockdown: ({ identity }) => lockdown.off(identity.caller),
  };
}
