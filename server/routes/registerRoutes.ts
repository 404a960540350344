import { ROUTES, type Route, type RouteName } from "@logomesh/contracts";
import type { Workbench } from "@logomesh/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { BYTES_TYPE } from "../bodies.ts";
import type { ServerLogger } from "../options.ts";
import { approvalRoutes } from "./approvalRoutes.ts";
import { auditRoutes } from "./auditRoutes.ts";
import { eventRoutes } from "./eventRoutes.ts";
import { llmRoutes } from "./llmRoutes.ts";
import { pluginRoutes } from "./pluginRoutes.ts";
import { policyRoutes } from "./policyRoutes.ts";
import type { RouteCall, RouteHandlers } from "./route.ts";
import { routeSchema } from "./routeSchema.ts";
import { runRoutes } from "./runRoutes.ts";
import { secretRoutes } from "./secretRoutes.ts";
import { sessionRoutes } from "./sessionRoutes.ts";
import { systemRoutes } from "./systemRoutes.ts";
import { thoughtRoutes } from "./thoughtRoutes.ts";
import { workflowRoutes } from "./workflowRoutes.ts";

export interface RegisterRoutesOptions {
  workbench: Workbench;
  logger: ServerLogger;
  loginsPerMinuteMax: number;
}

/** Registers every route of the contract; a route without a handler does not compile. */
export function registerRoutes(app: FastifyInstance, options: RegisterRoutesOptions): void {
  const { workbench, logger, loginsPerMinuteMax } = options;
  const handlers: RouteHandlers = {
    ...sessionRoutes(workbench),
    ...systemRoutes(workbench),
    ...workflowRoutes(workbench),
    ...runRoutes(workbench),
    ...pluginRoutes(workbench, logger),
    ...llmRoutes(workbench, logger),
    ...approvalRoutes(workbench),
    ...auditRoutes(workbench),
    ...policyRoutes(workbench),
    ...eventRoutes(workbench),
    ...secretRoutes(workbench),
    ...thoughtRoutes(workbench),
  };
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const route: Route = ROUTES[name];
    // The one place where the types of the single routes are lost: what was validated is what the handler's type says.
    const handler = handlers[name] as (call: RouteCall<never>) => unknown;
    const status = Number(Object.keys(route.responses)[0]);
    app.route({
      method: route.method,
      url: route.path,
      schema: { ...routeSchema(name, route), ...jsonBodyOf(route) },
      config: {
        scope: route.scope,
        ...(route.streamBytesMax === undefined ? {} : { streamBytesMax: route.streamBytesMax }),
        ...(name === "createSession" ? { rateLimit: { max: loginsPerMinuteMax, timeWindow: 60_000 } } : {}),
      },
      handler: (request, reply) => {
        void reply.status(status);
        return handler(callOf(request, reply));
      },
    });
  }
}

/** Bytes that are taken as they come are checked by who reads them. */
function jsonBodyOf({ body, streamBytesMax }: Route): object {
  if (body === undefined || streamBytesMax === undefined) return {};
  return { body: { content: { "application/json": { schema: body } } } };
}

function callOf(request: FastifyRequest, reply: FastifyReply): RouteCall<never> {
  const abort = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) abort.abort();
  });
  const { params, query, identity } = request;
  const isBytes = request.headers["content-type"] === BYTES_TYPE;
  const { body, bytes } = isBytes ? { body: undefined, bytes: request.body } : { body: request.body, bytes: undefined };
  return { params, query, body, bytes, identity, signal: abort.signal, request, reply } as RouteCall<never>;
}
