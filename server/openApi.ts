import swagger from "@fastify/swagger";
import { ROUTES } from "@logomesh/contracts";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform } from "fastify-type-provider-zod";

/** OpenAPI 3.1 from the zod schemas of the routes, at `/api/openapi.json`; also the file contracts/api/openapi.json. */
export async function addOpenApi(app: FastifyInstance): Promise<void> {
  const paths = new Set<string>(Object.values(ROUTES).map(({ path }) => path));
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
    transform: (route) =>
      paths.has(route.url) ? jsonSchemaTransform(route) : { schema: { hide: true }, url: route.url },
  });
  app.get("/api/openapi.json", (_request, reply) => reply.send(app.swagger()));
}
