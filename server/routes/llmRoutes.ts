import { PassThrough } from "node:stream";
import type { GenerateChunk } from "@logomesh/contracts";
import type { Workbench } from "@logomesh/core";
import type { FastifyReply } from "fastify";
import type { ServerLogger } from "../options.ts";
import { problemOf } from "../problem.ts";
import type { HandlersOf, RouteCall } from "./route.ts";

const NDJSON = "application/x-ndjson";
/** Text of a model that a client may leave unread; a model writes slower than any client that still reads. */
const UNREAD_BYTES_MAX = 4 * 1_048_576;

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
      if (call.request.headers.accept?.includes(NDJSON) === true) return streamGenerate({ models, logger, call });
      return models.generate(call.body, { caller: call.identity.caller, signal: call.signal });
    },
  };
}

/** Answers with the status of the call as soon as it is known: at the first text, at the result, or at a failure before both. */
async function streamGenerate(options: {
  models: Workbench["models"];
  logger: ServerLogger;
  call: RouteCall<"generate">;
}): Promise<FastifyReply> {
  const { models, logger, call } = options;
  const lines = new PassThrough();
  const started = Promise.withResolvers<undefined>();
  const overflow = new AbortController();
  const write = (line: GenerateChunk | { problem: object }): void => {
    lines.write(`${JSON.stringify(line)}\n`);
    if (lines.readableLength + lines.writableLength > UNREAD_BYTES_MAX) overflow.abort();
    started.resolve(undefined);
  };
  let hasText = false;
  const onText = (delta: string): void => {
    hasText = true;
    write({ delta });
  };
  const signal = AbortSignal.any([call.signal, overflow.signal]);
  models.generate(call.body, { caller: call.identity.caller, signal, onText }).then(
    (result) => {
      write({ result });
      lines.end();
    },
    (error: unknown) => {
      if (!hasText) return started.reject(error);
      write({ problem: problemOf(error, { id: call.request.id, logger }) });
      lines.end();
    },
  );
  await started.promise;
  return call.reply.type(NDJSON).send(lines);
}
