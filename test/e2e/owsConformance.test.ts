import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Run, RunTaskSummary } from "@logomesh/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseFeature, yamlOf, type Scenario, type Step } from "../support/gherkin.ts";
import {
  createTestWorkspace,
  startWorkbench,
  type TestWorkspace,
  type WorkbenchProcess,
} from "../support/workbenchProcess.ts";

// The scenarios of the Open Workflow Specification's conformance kit, read where they are (OWS_CTK_DIR), through the HTTP API of a workbench of
// its own. Their definitions are run as they stand but for one thing: the two services that they call on the internet are a server on this
// machine, so the origins in REMOTE become its own.

const KIT = process.env.OWS_CTK_DIR ?? join(import.meta.dirname, "../../../shared/ows/ctk");
const REMOTE = ["https://petstore.swagger.io", "https://httpbin.org"];
const SCENARIOS = 21;

const PETS = [
  { id: 1, name: "Rex", status: "available" },
  { id: 2, name: "Tom", status: "available" },
];

function readKit(): Scenario[] {
  if (!existsSync(KIT)) return [];
  const files = readdirSync(KIT).filter((file) => file.endsWith(".feature"));
  return files.sort().flatMap((file) => parseFeature(readFileSync(join(KIT, file), "utf8")));
}

describe.skipIf(!existsSync(KIT))("the conformance kit of the specification", () => {
  let services: Server;
  let origin: string;
  let workspace: TestWorkspace;
  let workbench: WorkbenchProcess;

  beforeAll(async () => {
    services = createServer((request, response) => {
      const answer = serve(request.url ?? "", request.headers.authorization);
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => services.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(services.address() as AddressInfo).port}`;
    workspace = await createTestWorkspace();
    workbench = await startWorkbench(workspace);
  });
  afterAll(async () => {
    await workbench.kill("SIGKILL");
    workspace[Symbol.dispose]();
    services.close();
  });

  test("has all its scenarios", () => {
    expect(readKit()).toHaveLength(SCENARIOS);
  });

  test.each(readKit().map((scenario): [string, Scenario] => [`${scenario.feature}: ${scenario.name}`, scenario]))(
    "%s",
    async (_name, { steps }) => {
      const given = (text: string): Step | undefined => steps.find((step) => step.text.startsWith(text));
      const definition = given("a workflow with definition")?.body ?? "";
      const source = REMOTE.reduce((text, remote) => text.replaceAll(remote, origin), definition);
      const input = given("given the workflow input is");
      const run = await workbench.client.startRun({
        body: { source, ...(input === undefined ? {} : { input: yamlOf(input) }), waitMs: 20_000 },
      });
      const { items: tasks } = await workbench.client.listRunTasks({ params: { id: run.id } });
      const order = tasks.toSorted((a, b) => a.seq - b.seq);
      const checked = steps.filter((step) => check(step, { run, order }));
      // Every expectation of the kit is one that is known here; two steps say what is given, one says to run it.
      expect(checked).toHaveLength(steps.length - (input === undefined ? 2 : 3));
    },
  );
});

/** Checks one expectation; false for a step that is none. */
function check({ text, ...step }: Step, { run, order }: { run: Run; order: RunTaskSummary[] }): boolean {
  const wanted = yamlOf({ text, ...step });
  const names = order.map(({ name }) => name);
  const [first = "", second = ""] = [...text.matchAll(/'([^']*)'/g)].map(([, quoted]) => quoted ?? "");
  if (text === "the workflow should complete") expect(run).toMatchObject({ status: "completed" });
  else if (text === "the workflow should complete with output:")
    expect([run.status, run.output]).toEqual(["completed", wanted]);
  else if (text === "the workflow should fault") expect(run.status).toBe("faulted");
  else if (text === "the workflow should fault with error:")
    expect(run).toMatchObject({ status: "faulted", error: wanted });
  else if (text.startsWith("the workflow output should have properties"))
    for (const [, path = ""] of text.matchAll(/'([^']*)'/g)) expect(valueAt(run.output, path), path).toBeDefined();
  else if (text.endsWith("property with value:")) expect(valueAt(run.output, first)).toEqual(wanted);
  else if (/property containing \d+ items$/.test(text))
    expect(valueAt(run.output, first)).toHaveLength(Number(/(\d+) items$/.exec(text)?.[1]));
  else if (/ should run first$/.test(text)) expect(names[0]).toBe(text.split(" ")[0]);
  else if (/ should run last$/.test(text)) expect(names.at(-1)).toBe(text.split(" ")[0]);
  else if (/ should run after /.test(text)) {
    const [later = "", earlier = ""] = text.split(" should run after ");
    expect(names.indexOf(later)).toBeGreaterThan(names.indexOf(earlier));
    expect(names).toContain(earlier);
  } else return false;
  expect(second).toBe(text.includes("properties") ? second : "");
  return true;
}

function valueAt(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((current, key) => (current as Record<string, unknown> | undefined)?.[key], value);
}

/** What the kit asks of the pet store and of the server that checks a password. */
function serve(url: string, authorization: string | undefined): { status: number; body: unknown } {
  const { pathname, searchParams } = new URL(url, "http://services");
  const pet = /^\/v2\/pet\/(\d+)$/.exec(pathname)?.[1];
  if (pathname === "/v2/swagger.json") return { status: 200, body: PET_STORE };
  if (pathname === "/v2/pet/findByStatus")
    return { status: 200, body: PETS.filter(({ status }) => status === searchParams.get("status")) };
  if (pet !== undefined) {
    const found = PETS.find(({ id }) => id === Number(pet));
    return found === undefined ? { status: 404, body: { message: "Pet not found" } } : { status: 200, body: found };
  }
  const [, user, password] = /^\/basic-auth\/([^/]+)\/([^/]+)$/.exec(pathname) ?? [];
  if (user === undefined) return { status: 404, body: { message: "unknown" } };
  const isKnown = authorization === `Basic ${Buffer.from(`${user}:${password ?? ""}`).toString("base64")}`;
  return isKnown ? { status: 200, body: { authenticated: true, user } } : { status: 401, body: {} };
}

const PET_STORE = {
  swagger: "2.0",
  basePath: "/v2",
  paths: {
    "/pet/findByStatus": {
      get: {
        operationId: "findPetsByStatus",
        parameters: [{ name: "status", in: "query", required: true, type: "array", collectionFormat: "multi" }],
      },
    },
    "/pet/{petId}": {
      get: {
        operationId: "getPetById",
        parameters: [{ name: "petId", in: "path", required: true, type: "integer" }],
      },
    },
  },
};
