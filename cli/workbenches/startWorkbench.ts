import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { createClient } from "@logomesh/contracts/client";
import { createLogger, createWorkbench, loadConfig, requireWorkspace, type Config } from "@logomesh/core";
import type { StartedWorkbench, WorkspacePlace } from "../context.ts";

const WEB_FOLDER = join(import.meta.dirname, "../../web/dist");

/** Compiled code of the modules is kept in memory for the file that it belongs to; by then all that a start loads is loaded. */
const CACHE_HELD_MS = 5_000;

/**
 * Opens the workspace in this process and serves it.
 * @throws LogoMeshError LM_WORKSPACE_LOCKED, LM_WORKSPACE_INVALID, LM_API_PORT_TAKEN, LM_DB_*
 */
export async function startWorkbench(
  { env, root }: WorkspacePlace,
  overrides: Partial<Config>,
): Promise<StartedWorkbench> {
  const paths = requireWorkspace(root);
  const config = { ...loadConfig({ file: paths.config, environment: env }), ...overrides };
  const logger = createLogger({ level: config.logLevel });
  const failed = Promise.withResolvers<Error>();
  await using stack = new AsyncDisposableStack();
  const onDidFail = (error: Error): void => failed.resolve(error);
  const serverModule = import("@logomesh/server");
  const workbench = stack.use(await createWorkbench({ root, config, logger, environment: env, onDidFail }));
  const { startServer } = await serverModule;
  const server = stack.use(
    await startServer({
      ...{ workbench, config, logger, serverFile: paths.serverFile, pid: process.pid },
      startedAt: new Date().toISOString(),
      webFolder: WEB_FOLDER,
    }),
  );
  const client = createClient({ baseUrl: server.url, token: readFileSync(paths.token, "utf8").trim() });
  const release = setTimeout(flushCompileCache, CACHE_HELD_MS).unref();
  stack.defer(() => clearTimeout(release));
  const owned = stack.move();
  return {
    connection: { client, url: server.url },
    createLoginLink: () => server.createLoginLink(),
    status: () => workbench.status(),
    failed: failed.promise,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
