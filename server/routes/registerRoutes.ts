import { ProblemSchema, ROUTES, type Route, type RouteName } from "@logomesh/contracts";
import type { Workbench } from "@logomesh/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ServerLogger } from "../options.ts";
import { auditRoutes } from "./auditRoutes.ts";
import { llmRoutes } from "./llmRoutes.ts";
import { pluginRoutes } from "./pluginRoutes.ts";
import type { RouteCall, RouteHandlers } from "./route.ts";
import { runRoutes } from "./runRoutes.ts";
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
    ...pluginRoutes(workbench),
    ...llmRoutes(workbench, logger),
    ...auditRoutes(workbench),
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
      schema: schemaOf(name, route),
      config: {
        scope: route.scope,
        ...(name === "createSession" ? { rateLimit: { max: loginsPerMinuteMax, timeWindow: 60_000 } } : {}),
      },
      handler: (request, reply) => {
        void reply.status(status);
        return handler(callOf(request, reply));
      },
    });
  }
}

function callOf(request: FastifyRequest, reply: FastifyReply): RouteCall<never> {
  const abort = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) abort.abort();
  });
  const { params, query, body, identity } = request;
  return { params, query, body, identity, signal: abort.signal, request, reply } as RouteCall<never>;
}

function schemaOf(name: RouteName, { summary, scope, params, query, body, responses }: Route) {
  return {
    operationId: name,
    summary,
    description: scope === "none" ? "Needs no token." : `Needs a token with the scope \`${scope}\` or \`admin\`.`,
    security: scope === "none" ? [] : [{ bearer: [] }],
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { querystring: query }),
    ...(body === undefined ? {} : { body }),
    response: {
      ...responses,
      default: {
        description: "A problem (RFC 9457) with a stable code, see docs/errors.md.",
        content: { "application/problem+json": { schema: ProblemSchema } },
      },
    },
  };
}
