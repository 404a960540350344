import swagger from "@fastify/swagger";
import * as contracts from "@logomesh/contracts";
import type { FastifyInstance } from "fastify";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import { tidyOpenApi } from "./tidyOpenApi.ts";

/** Schemas of the contracts get a name in the document, so that clients made from it have one type for each. */
function namedSchemas() {
  const registry = z.registry<{ id: string }>();
  for (const [name, value] of Object.entries<unknown>(contracts)) {
    const id = /^(\w+)Schema$/.exec(name)?.[1];
    // OpenAPI has parameters of a query one by one, never as one named object.
    if (id === undefined || id.endsWith("Query") || !(value instanceof z.ZodType)) continue;
    registry.add(value, { id });
  }
  return registry;
}

/** OpenAPI 3.1 from the zod schemas of the routes, at `/api/openapi.json`; also the file contracts/api/openapi.json. */
export async function addOpenApi(app: FastifyInstance): Promise<void> {
  const paths = new Set<string>(Object.values(contracts.ROUTES).map(({ path }) => path));
  const schemaRegistry = namedSchemas();
  const addComponents = createJsonSchemaTransformObject({ schemaRegistry });
  const transform = createJsonSchemaTransform({ schemaRegistry });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "LogoMesh",
        description:
          "The API of a LogoMesh workbench. Lists are cursor-paginated; errors are problem documents (RFC 9457).",
        version: "0.1.0",
      },
      servers: [{ url: "http://127.0.0.1:7420" }],
      components: {
        securitySchemes: {
          bearer: {
            type: "http",
            scheme: "bearer",
            description: "From a login link, `POST /api/tokens` or .logomesh/token.",
          },
        },
      },
    },
    transformObject: (document) => tidyOpenApi(addComponents(document)),
    transform: (route) => (paths.has(route.url) ? transform(route) : { schema: { hide: true }, url: route.url }),
  });
  app.get("/api/openapi.json", (_request, reply) => reply.send(app.swagger()));
}
