import { existsSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@logomesh/contracts/client";
import { createLogger, createWorkbench, loadConfig, requireWorkspace, type Config } from "@logomesh/core";
import { startServer, type RunningServer } from "@logomesh/server";
import { readFileSync } from "node:fs";
import type { Connection } from "./connect.ts";
import type { CliContext } from "./context.ts";

const WEB_FOLDER = join(import.meta.dirname, "../web/dist");

export interface StartedWorkbench extends AsyncDisposable {
  server: RunningServer;
  connection: Connection;
  /** Resolves with the error when the workbench can no longer work. */
  failed: Promise<Error>;
}

/** Opens the workspace in this process and serves it. @throws LogoMeshError LM_WORKSPACE_LOCKED, LM_API_PORT_TAKEN … */
export async function startWorkbench(context: CliContext, overrides: Partial<Config> = {}): Promise<StartedWorkbench> {
  const paths = requireWorkspace(context.root);
  const config = { ...loadConfig({ file: paths.config, environment: context.env }), ...overrides };
  const logger = createLogger({ level: config.logLevel });
  const failed = Promise.withResolvers<Error>();
  await using stack = new AsyncDisposableStack();
  const workbench = stack.use(
    await createWorkbench({
      root: context.root,
      config,
      logger,
      environment: context.env,
      onDidFail: (error) => failed.resolve(error),
    }),
  );
  const server = stack.use(
    await startServer({
      ...{ workbench, config, logger, serverFile: paths.serverFile, pid: process.pid },
      startedAt: new Date().toISOString(),
      ...(existsSync(WEB_FOLDER) ? { webFolder: WEB_FOLDER } : {}),
    }),
  );
  const client = createClient({ baseUrl: server.url, token: readFileSync(paths.token, "utf8").trim() });
  const owned = stack.move();
  return {
    server,
    connection: { client, url: server.url },
    failed: failed.promise,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
