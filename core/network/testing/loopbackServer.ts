import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface LoopbackServer extends AsyncDisposable {
  port: number;
  /** What arrived, in order. */
  seen: SeenRequest[];
  /** Resolves when the next request has arrived whole. */
  nextRequest: () => Promise<SeenRequest>;
  /** Resolves when a connection ends. */
  nextClose: () => Promise<void>;
}

/** A server on an address of this machine, on a port that is free unless one is named. */
export async function listen(
  handler: (request: SeenRequest, response: ServerResponse) => void,
  { host = "127.0.0.1", port = 0 } = {},
): Promise<LoopbackServer> {
  const seen: SeenRequest[] = [];
  const waiting = { request: new Set<(request: SeenRequest) => void>(), close: new Set<() => void>() };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const whole = { method, url, headers, body: Buffer.concat(chunks).toString() };
      seen.push(whole);
      for (const tell of waiting.request) tell(whole);
      waiting.request.clear();
      handler(whole, response);
    });
    request.socket.once("close", () => {
      for (const tell of waiting.close) tell();
      waiting.close.clear();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    nextRequest: () => new Promise((resolve) => waiting.request.add(resolve)),
    nextClose: () => new Promise((resolve) => waiting.close.add(resolve)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
