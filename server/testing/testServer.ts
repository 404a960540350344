import type { FastifyInstance } from "fastify";
import { createServer } from "../createServer.ts";
import type { CreateServerOptions, ServerLogger } from "../options.ts";
import { FakeWorkbench } from "./fakeWorkbench.ts";

export interface TestServer extends AsyncDisposable {
  app: FastifyInstance;
  workbench: FakeWorkbench;
  /** What was logged at level error. */
  errors: object[];
}

export function collectingLogger(errors: object[]): ServerLogger {
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (fields) => errors.push(fields),
  };
}

/** A server over a workbench in memory, asked by `inject`. */
export async function createTestServer(options: Partial<CreateServerOptions> = {}): Promise<TestServer> {
  const workbench = new FakeWorkbench();
  const errors: object[] = [];
  const app = await createServer({
    workbench,
    config: { host: "127.0.0.1", port: 0, allowedHosts: [] },
    logger: collectingLogger(errors),
    ...options,
  });
  return { app, workbench, errors, [Symbol.asyncDispose]: () => app.close() };
}

/** Headers of a request with a token. */
export function bearer(token = "admin-token"): Record<string, string> {
  return { host: "127.0.0.1:7420", authorization: `Bearer ${token}`, "content-type": "application/json" };
}
