import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROUTES, type Route } from "@logomesh/contracts";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";
import { createOpenApi } from "./openApi.ts";
import { createTestServer } from "./testing/testServer.ts";

const FILE = join(import.meta.dirname, "../contracts/api/openapi.json");

async function makeOpenApi(): Promise<string> {
  return await format(await createOpenApi(), { ...(await resolveConfig(FILE)), filepath: FILE });
}

/** `LOGOMESH_WRITE_OPENAPI=1 vitest run --project unit server/openApi.test.ts` writes the file. */
test("contracts/api/openapi.json describes the routes as they are", async () => {
  const text = await makeOpenApi();
  if (process.env.LOGOMESH_WRITE_OPENAPI === "1") writeFileSync(FILE, text);
  expect(readFileSync(FILE, "utf8")).toBe(text);
});

test("[SV1] the server answers the file", async () => {
  await using server = await createTestServer();
  const answer = await server.app.inject({ url: "/api/openapi.json", headers: { host: "localhost" } });
  expect(answer.headers["content-type"]).toContain("application/json");
  expect(answer.body).toBe(readFileSync(FILE, "utf8"));
});

test("every route is described, with its token and its problems", async () => {
  const document = JSON.parse(await makeOpenApi()) as {
    openapi: string;
    paths: Record<
      string,
      Record<string, { operationId: string; security: object[]; responses: Record<string, object> }>
    >;
  };
  expect(document.openapi).toBe("3.1.0");
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method, path, ...operation })),
  );
  expect(described.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(ROUTES).sort());
  for (const { operationId, method, path, security, responses } of described) {
    const route: Route = ROUTES[operationId as keyof typeof ROUTES];
    expect([method.toUpperCase(), path]).toEqual([route.method, route.path.replaceAll(/:(\w+)/g, "{$1}")]);
    expect(security).toEqual(route.scope === "none" ? [] : [{ bearer: [] }]);
    expect(Object.keys(responses).sort()).toEqual([...Object.keys(route.responses), "default"].sort());
  }
});

test("every named schema of the document exists and is referred to", async () => {
  const text = await makeOpenApi();
  const { components } = JSON.parse(text) as { components: { schemas: Record<string, object> } };
  const references = new Set([...text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, reference]) => reference));
  expect(references).toContain("#/components/schemas/Problem");
  expect([...references].sort()).toEqual(
    Object.keys(components.schemas)
      .map((name) => `#/components/schemas/${name}`)
      .sort(),
  );
});
