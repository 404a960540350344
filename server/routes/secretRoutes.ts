import type { Workbench } from "@logomesh/core";
import type { HandlersOf } from "./route.ts";

export function secretRoutes({
  secrets,
}: Workbench): HandlersOf<"listSecrets" | "getSecret" | "putSecret" | "deleteSecret"> {
  return {
    listSecrets: () => ({ items: secrets.list() }),
    getSecret: ({ params }) => secrets.get(params.name),
    putSecret: ({ params, body, identity }) => secrets.set(params.name, body.value, identity.caller),
    async deleteSecret({ params, identity }) {
      await secrets.remove(params.name, identity.caller);
      return { ok: true };
    },
  };
}
