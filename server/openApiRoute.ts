import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";

const FILE = join(import.meta.dirname, "../contracts/api/openapi.json");

/** `/api/openapi.json` is the committed file; a test proves that it describes the routes as they are. */
export function addOpenApi(app: FastifyInstance): void {
  app.get("/api/openapi.json", (_request, reply) => reply.type("application/json").send(readFileSync(FILE)));
}
