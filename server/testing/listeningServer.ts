import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "@logomesh/contracts/client";
import { startServer, type RunningServer, type StartServerOptions } from "../start.ts";
import { FakeWorkbench } from "./fakeWorkbench.ts";
import { collectingLogger } from "./testServer.ts";

export interface ListeningServer extends AsyncDisposable {
  server: RunningServer;
  workbench: FakeWorkbench;
  client: Client;
  /** `ws://127.0.0.1:…/api/events` */
  eventsUrl: string;
  serverFile: string;
  errors: object[];
}

/** A server on a free port of loopback over a workbench in memory. */
export async function listen(options: Partial<StartServerOptions> = {}): Promise<ListeningServer> {
  const folder = mkdtempSync(join(tmpdir(), "logomesh-server-"));
  const serverFile = join(folder, ".logomesh/server.json");
  const workbench = new FakeWorkbench();
  const errors: object[] = [];
  const server = await startServer({
    workbench,
    config: { host: "127.0.0.1", port: 0, allowedHosts: [] },
    logger: collectingLogger(errors),
    serverFile,
    pid: 4711,
    startedAt: "2026-01-01T00:00:00.000Z",
    ...options,
  });
  return {
    server,
    workbench,
    client: createClient({ baseUrl: server.url, token: "admin-token" }),
    eventsUrl: `${server.url.replace(/^http/, "ws")}/api/events`,
    serverFile,
    errors,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
