import assert from "node:assert/strict";
import swagger from "@fastify/swagger";
import * as contracts from "@logomesh/contracts";
import { fastify } from "fastify";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import { BYTES_TYPE } from "./bodies.ts";
import { routeSchema } from "./routes/routeSchema.ts";
import { tidyOpenApi } from "./tidyOpenApi.ts";

const DESCRIPTION = {
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
        type: "http" as const,
        scheme: "bearer",
        description: "From a login link, `POST /api/tokens` or .logomesh/token.",
      },
    },
  },
};

/** The OpenAPI 3.1 document of the routes, made from their zod schemas: the text of contracts/api/openapi.json, not yet formatted. */
export async function createOpenApi(): Promise<string> {
  const schemaRegistry = namedSchemas();
  const addComponents = createJsonSchemaTransformObject({ schemaRegistry });
  const app = fastify();
  await app.register(swagger, {
    openapi: DESCRIPTION,
    transform: createJsonSchemaTransform({ schemaRegistry }),
    transformObject: (document) => tidyOpenApi(withBytes(addComponents(document) as OpenApiPaths)),
  });
  // Nothing is asked here, so nothing has to be compiled.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  for (const name of Object.keys(contracts.ROUTES) as contracts.RouteName[]) {
    const route: contracts.Route = contracts.ROUTES[name];
    app.route({ method: route.method, url: route.path, schema: routeSchema(name, route), handler: () => null });
  }
  await app.ready();
  const text = JSON.stringify(app.swagger());
  await app.close();
  return text;
}

interface OpenApiPaths {
  paths?: Record<string, Record<string, { requestBody?: { content: Record<string, object> } } | undefined>>;
}

/** Routes that take bytes say so beside their JSON body. */
function withBytes<T extends OpenApiPaths>(document: T): T {
  for (const route of Object.values<contracts.Route>(contracts.ROUTES)) {
    if (route.streamBytesMax === undefined) continue;
    const operation = document.paths?.[route.path.replaceAll(/:(\w+)/g, "{$1}")]?.[route.method.toLowerCase()];
    assert.ok(operation?.requestBody, `${route.path} has a JSON body too`);
    const description = `At most ${route.streamBytesMax} bytes.`;
    operation.requestBody.content[BYTES_TYPE] = { schema: { type: "string", format: "binary", description } };
  }
  return document;
}

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
