import type { Workbench } from "@logomesh/core";
import type { ServerLogger } from "../options.ts";
import type { HandlersOf } from "./route.ts";
import { streamLines, wantsLines } from "./streamLines.ts";

export function llmRoutes(
  { models }: Workbench,
  logger: ServerLogger,
): HandlersOf<"getModels" | "getProviders" | "setModelAlias" | "clearModelAlias" | "generate"> {
  return {
    getModels: () => models.status(),
    getProviders: async () => ({ items: await models.providers() }),
    async setModelAlias({ params, body, identity }) {
      await models.choose(params.alias, body, identity.caller);
      return models.status();
    },
    async clearModelAlias({ params, identity }) {
      await models.choose(params.alias, undefined, identity.caller);
      return models.status();
    },
    generate(call) {
      const { body, request, signal } = call;
      const { caller } = call.identity;
      if (!wantsLines(request)) return models.generate(body, { caller, signal });
      return streamLines({
        ...{ call, logger },
        work: async (send, signal) => ({
          result: await models.generate(body, { caller, signal, onText: (delta) => send({ delta }) }),
        }),
      });
    },
  };
}
