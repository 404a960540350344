import { ProblemSchema, type Route, type RouteName } from "@logomesh/contracts";

/** The schemas of a route as Fastify takes them: for checking requests, and for the OpenAPI document. */
export function routeSchema(name: RouteName, { summary, scope, params, query, body, responses }: Route) {
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
