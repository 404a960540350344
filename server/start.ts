import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { dirname } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import type { FastifyInstance } from "fastify";
import { createServer } from "./createServer.ts";
import { assertMayListen, urlHost } from "./hosts.ts";
import { loginLink } from "./loginLink.ts";
import { SERVER_LIMITS, type CreateServerOptions, type ServerConfig } from "./options.ts";

export interface StartServerOptions extends CreateServerOptions {
  /** `.logomesh/server.json` of the workspace: there while the server listens, so that the CLI finds it. */
  serverFile: string;
  pid: number;
  /** ISO 8601. */
  startedAt: string;
}

/** A listening server. Disposing it ends open requests within the grace period. */
export interface RunningServer extends AsyncDisposable {
  /** Under which it is reached: `http://127.0.0.1:7420`. */
  readonly url: string;
  readonly port: number;
  /** A new link that logs a browser in, once and within ten minutes. */
  createLoginLink(): string;
}

/** What the CLI reads to find the server. */
export interface ServerFile {
  /** Name or address of this machine under which it is reached; without brackets. */
  host: string;
  port: number;
  pid: number;
  startedAt: string;
}

/**
 * Listens and answers.
 * @throws LogoMeshError LM_API_PORT_TAKEN, LM_SETTINGS_INVALID when the host may not be listened on
 */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { workbench, config, logger, serverFile, pid, startedAt } = options;
  assertMayListen(config);
  const app = await createServer(options);
  const silent = trackSilent(app.server);
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await app.close();
    throw listenError(error, config);
  }
  const { port } = app.server.address() as AddressInfo;
  const host = reachableHost(config);
  const url = `http://${urlHost(host)}:${port}`;
  const file: ServerFile = { host, port, pid, startedAt };
  mkdirSync(dirname(serverFile), { recursive: true, mode: 0o700 });
  writeFileSync(serverFile, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  logger.info({ url }, "listening");
  return {
    url,
    port,
    createLoginLink: () => loginLink(url, workbench.access.createLoginCode().code),
    async [Symbol.asyncDispose]() {
      rmSync(serverFile, { force: true });
      silent.end();
      await closeWithin(app, options.limits?.closeGraceMs ?? SERVER_LIMITS.closeGraceMs);
      logger.info({ url }, "closed");
    },
  };
}

/** Connections that never said anything. Browsers open some ahead of need, and Node would wait for what they may ask. */
function trackSilent(server: Server): { end(): void } {
  const connections = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  return {
    end() {
      for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
    },
  };
}

async function closeWithin(app: FastifyInstance, graceMs: number): Promise<void> {
  const timer = setTimeout(() => {
    for (const client of app.websocketServer.clients) client.terminate();
    app.server.closeAllConnections();
  }, graceMs);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}

/** A server that listens on every address is reached by loopback too. */
function reachableHost({ host }: ServerConfig): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

function listenError(error: unknown, { host, port }: ServerConfig): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") {
    return new LogoMeshError(
      "LM_API_PORT_TAKEN",
      `Another program listens on ${urlHost(host)}:${port}. Choose another port with LOGOMESH_PORT (or \`port\` in logomesh.yaml), ` +
        "or stop that program.",
      { cause: error },
    );
  }
  if (code === "EACCES") {
    return new LogoMeshError(
      "LM_API_PORT_TAKEN",
      `This user may not listen on ${urlHost(host)}:${port}. Choose a port above 1023 with LOGOMESH_PORT.`,
      { cause: error },
    );
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return new LogoMeshError(
      "LM_SETTINGS_INVALID",
      `${host} is no address of this machine. Correct LOGOMESH_HOST (or \`host\` in logomesh.yaml).`,
      { cause: error },
    );
  }
  return error;
}
