import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

// The conformance suite can send no token and calls tools by their own names. This door adds the one and takes the prefix of a plugin off the
// others; everything else, status and headers of foreign hosts and origins included, passes as it is.

export interface McpDoorOptions {
  /** Of the workbench: `http://127.0.0.1:7420`. */
  url: string;
  token: string;
  /** What tools of the plugin are called begins with it. */
  prefix: string;
  /** Tools without the prefix. */
  tools: readonly string[];
}

/** Disposing closes it. */
export async function openMcpDoor(options: McpDoorOptions): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((incoming, outgoing) => void pass(options, incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function pass(options: McpDoorOptions, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const body = withPrefix(options, Buffer.concat(parts));
  const { host } = new URL(options.url);
  const own = `127.0.0.1:${incoming.socket.localPort}`;
  const { origin } = incoming.headers;
  const headers = {
    ...incoming.headers,
    host: incoming.headers.host === own ? host : incoming.headers.host,
    ...(origin === `http://${own}` ? { origin: options.url } : {}),
    ...nameHeader(options, incoming.headers["mcp-name"]),
    authorization: `Bearer ${options.token}`,
    "content-length": String(body.length),
  };
  const forwarded = request(`${options.url}${incoming.url ?? ""}`, { method: incoming.method, headers });
  forwarded.on("response", (answer) => {
    const { "content-length": _length, ...rest } = answer.headers;
    outgoing.writeHead(answer.statusCode ?? 502, rest);
    // Events and documents are short and come whole.
    answer.on("data", (chunk: Buffer) => outgoing.write(chunk.toString().replaceAll(`"${options.prefix}`, '"')));
    answer.on("end", () => outgoing.end());
  });
  forwarded.on("error", () => outgoing.destroy());
  outgoing.on("close", () => forwarded.destroy());
  forwarded.end(body);
}

/** In revision 2026-07-28 a header says the name too. */
function nameHeader({ prefix, tools }: McpDoorOptions, name: string | string[] | undefined): Record<string, string> {
  return typeof name === "string" && tools.includes(name) ? { "mcp-name": `${prefix}${name}` } : {};
}

function withPrefix({ prefix, tools }: McpDoorOptions, body: Buffer): Buffer {
  try {
    const message = JSON.parse(body.toString()) as { method?: string; params?: { name?: string } };
    if (message.method !== "tools/call" || !tools.includes(message.params?.name ?? "")) return body;
    message.params = { ...message.params, name: `${prefix}${message.params?.name}` };
    return Buffer.from(JSON.stringify(message));
  } catch {
    return body;
  }
}
