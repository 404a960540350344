import { isTerminalRunStatus } from "@logomesh/contracts";
import type { Workbench } from "@logomesh/core";
import { withinLimit } from "./payloadLimit.ts";
import type { HandlersOf } from "./route.ts";

type RunRoute =
  | (
      | "startRun"
      | "listRuns"
      | "getRun"
      | "listRunTasks"
      | "getRunTask"
      | "cancelRun"
      | "signalRun"
      | "getRunDefinition"
    )
  | ("suspendRun" | "resumeRun" | "retryRun" | "replayRun" | "compareRuns" | "bulkRuns" | "pruneRuns");

export function runRoutes({ workflows }: Workbench): HandlersOf<RunRoute> {
  return {
    async startRun({ body, identity, reply }) {
      const run = await workflows.start(body, identity.caller);
      void reply.status(isTerminalRunStatus(run.status) ? 200 : 202);
      return run;
    },
    listRuns: ({ query: { limit, cursor, status, workflow, q } }) =>
      workflows.listRuns({
        limit,
        ...(cursor === undefined ? {} : { cursor }),
        ...(status === undefined ? {} : { status }),
        ...(workflow === undefined ? {} : { workflow }),
        ...(q === undefined ? {} : { q }),
      }),
    getRun: async ({ params, query }) => withinLimit(await workflows.getRun(params.id), query.payloadBytesMax),
    listRunTasks: ({ params, query }) => workflows.listTasks(params.id, query),
    getRunTask: async ({ params, query }) =>
      withinLimit(await workflows.getTask(params.id, params.seq), query.payloadBytesMax),
    cancelRun: ({ params, identity }) => workflows.cancel(params.id, identity.caller),
    async signalRun({ params, body, identity, reply }) {
      void reply.status(202);
      return workflows.signal(params.id, body, identity.caller);
    },
    suspendRun: ({ params, body, identity }) =>
      workflows.operations.suspend(params.id, { reason: body.reason, actor: identity.caller.actor }),
    resumeRun: ({ params, body, identity }) => workflows.operations.resume(params.id, body, identity.caller.actor),
    retryRun: ({ params, body, identity }) => workflows.operations.retry(params.id, body, identity.caller.actor),
    replayRun: ({ params }) => workflows.operations.replay(params.id),
    compareRuns: ({ query }) => workflows.operations.compare(query.a, query.b),
    bulkRuns: ({ body, identity }) => workflows.operations.bulk(body, identity.caller.actor),
    pruneRuns: ({ body, identity }) => workflows.operations.prune(body, identity.caller.actor),
    getRunDefinition: ({ params }) => workflows.getRunDefinition(params.id),
  };
}
