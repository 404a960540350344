import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

type PolicyRoute = "getConstitution" | "putConstitution" | "explainDecision";

export function policyRoutes({ policy }: Workbench): HandlersOf<PolicyRoute> {
  return {
    getConstitution: () => policy.constitution(),
    putConstitution: ({ body, query, identity }) =>
      policy.putConstitution(body, { preview: query.preview ?? false, caller: identity.caller }),
    explainDecision: ({ params }) => policy.why(params.seq),
  };
}
