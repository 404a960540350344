import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Duplex, Writable } from "node:stream";
import type { ResourceLimits } from "@logomesh/contracts";
import { FD } from "./launcher.ts";

// The way from a proxied sandbox to the host: a small program of ours inside listens on the sandbox's own loopback as an HTTP proxy, and
// passes each request on as a stream of HTTP/2 over the one descriptor that it inherited. It decides nothing and holds no secret: what comes
// out of it is as hostile as the plugin beside it, which can do to it what it likes. The host's end is hostPlane/networkProxy.ts.

/** Inside, where nobody else can have taken it. */
export const BRIDGE_PORT = 3128;
const BRIDGE_URL = `http://127.0.0.1:${BRIDGE_PORT}`;

/** What programs look for when they want a proxy. */
export const PROXY_ENVIRONMENT: Readonly<Record<string, string>> = {
  ...{ HTTP_PROXY: BRIDGE_URL, HTTPS_PROXY: BRIDGE_URL, ALL_PROXY: BRIDGE_URL },
  // curl reads the name in upper case from a CGI client, so it does not.
  ...{ http_proxy: BRIDGE_URL, https_proxy: BRIDGE_URL, all_proxy: BRIDGE_URL },
  NODE_USE_ENV_PROXY: "1",
};

/** Where programs look for the certificates of authorities, by distribution. */
export const CERTIFICATE_PATHS = ["/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted"];

/** Threads of the bridge's Node, which count as the plugin's processes. */
const BRIDGE_TASKS = 8;
/** What the bridge itself may hold; its buffers are bounded by the windows of HTTP/2. */
const BRIDGE_MEMORY_MB = 64;
/** Without compiled code Node reserves 42 MB of data. */
const BRIDGE_DATA_MB = 192;

/** What bounds a plugin and its bridge together. */
export function withBridge(limits: ResourceLimits): ResourceLimits {
  const { memory_mb, max_processes } = limits;
  return { ...limits, memory_mb: memory_mb + BRIDGE_MEMORY_MB, max_processes: max_processes + BRIDGE_TASKS };
}

/**
 * Serves the proxy's clients over `upstream`. Runs inside as text, so it uses nothing but what is declared in it.
 * @param onReady called when clients can come
 * @param onEnd called when they cannot any more
 */
export function bridgeNetwork(
  upstream: Duplex,
  { port, onReady, onEnd }: { port: number; onReady: (port: number) => void; onEnd: () => void },
): void {
  const http = process.getBuiltinModule("node:http");
  const http2 = process.getBuiltinModule("node:http2");
  /** As many streams as the host lets in, each with its own window: one that stands still holds up no other. */
  const WINDOW_BYTES = 4 * 1024 * 1024;
  const NO_ERROR = http2.constants.NGHTTP2_NO_ERROR;
  const HOP_BY_HOP =
    /^(:.*|host|connection|keep-alive|proxy-.*|te|trailer|expect|transfer-encoding|upgrade|http2-settings)$/;
  const session = http2.connect("http://host", { createConnection: () => upstream });
  session.once("connect", () => session.setLocalWindowSize(WINDOW_BYTES));
  session.on("error", () => undefined);
  session.once("close", () => (server.close(), onEnd()));
  const passed = (headers: IncomingHttpHeaders): OutgoingHttpHeaders =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.test(name)));
  /** What was broken off must not look whole. */
  const pass = (stream: ClientHttp2Stream, client: Writable): void => {
    stream.pipe(client, { end: false });
    stream.once("end", () => (stream.rstCode === NO_ERROR ? client.end() : client.destroy()));
  };
  /** Undefined for what cannot be said in HTTP/2, and when the host is gone. */
  const open = (headers: OutgoingHttpHeaders): ClientHttp2Stream | undefined => {
    try {
      // A stream that nobody reads does not close; nothing comes before its response.
      return session
        .request(headers)
        .on("error", () => undefined)
        .resume();
    } catch {
      return undefined;
    }
  };
  const server = http.createServer((request, response) => {
    const url = URL.parse(request.url ?? "");
    const fail = (status: number, text: string): void => {
      if (response.headersSent) response.destroy();
      else response.writeHead(status, { "content-type": "text/plain", connection: "close" }).end(`${text}\n`);
    };
    if (url?.protocol !== "http:")
      return fail(400, "This is a proxy: ask it for http://host/path, or CONNECT host:port.");
    const stream = open({
      ...passed(request.headers),
      ...{ ":method": request.method ?? "GET", ":scheme": "http", ":authority": url.host },
      ":path": url.pathname + url.search,
    });
    if (stream === undefined) return fail(400, "This request cannot be passed on.");
    stream.once("response", (headers) => {
      // Answered before it was sent to its end: what is left of it would be taken for the next request.
      if (!request.complete) response.setHeader("connection", "close");
      response.writeHead(headers[":status"] ?? 502, passed(headers));
      pass(stream, response);
    });
    stream.once("close", () => {
      if (!response.writableEnded) fail(502, "The workbench ended the request.");
    });
    response.once("close", () => stream.close());
    request.pipe(stream);
  });
  server.on("connect", (request, socket, head) => {
    const stream = open({ ":method": "CONNECT", ":authority": request.url ?? "" });
    socket.on("error", () => undefined);
    if (stream === undefined) return socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    stream.once("response", (headers) => {
      const status = headers[":status"] ?? 502;
      socket.write(
        `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ""}\r\n${status === 200 ? "" : "Connection: close\r\n"}\r\n`,
      );
      pass(stream, socket);
      if (status !== 200) return;
      stream.write(head);
      socket.pipe(stream);
    });
    stream.once("close", () => {
      if (!socket.writableEnded) socket.destroy();
    });
    socket.once("close", () => stream.close());
  });
  // A tunnel ends in each direction by itself.
  server.on("connection", (socket) => (socket.allowHalfOpen = true));
  server.once("error", onEnd);
  server.listen(port, "127.0.0.1", () => onReady((server.address() as AddressInfo).port));
}

const PROGRAM = `const { Socket } = require("node:net");
(${bridgeNetwork.toString()})(new Socket({ fd: ${FD.bridge} }), { port: ${BRIDGE_PORT}, onReady: () => console.log("ready"), onEnd: () => process.exit() });`;

// What is for the plugin alone would have Node load more than it needs here.
const LIMITED = `ulimit -c 0 -d ${BRIDGE_DATA_MB * 1024} -n 256 && unset NODE_USE_ENV_PROXY && exec "$@"`;

/** Runs the bridge; `node` is its path inside. Prints a line when clients can come. */
export function bridgeCommand(node: string): string[] {
  return [
    ...["/usr/bin/bash", "--noprofile", "--norc", "-c", LIMITED, "bridge"],
    // The interpreter alone: no compiled code, no threads for compiling any.
    ...[node, "--jitless", "--v8-pool-size=0", `--max-old-space-size=${BRIDGE_MEMORY_MB}`, "-e", PROGRAM],
  ];
}
