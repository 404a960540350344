import { once } from "node:events";
import { request as askHttp, type IncomingHttpHeaders } from "node:http";
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { connect, type Socket } from "node:net";
import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import { bridgeNetwork } from "./networkBridge.ts";

/** The bridge in this process; `answer` is the host. */
async function startBridge(answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void) {
  const [hostEnd, bridgeEnd] = duplexPair();
  const session: ServerHttp2Session = performServerHandshake(hostEnd, {
    settings: { maxConcurrentStreams: 32 },
  });
  session.setLocalWindowSize(4 << 20);
  session.on("error", () => undefined);
  session.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    answer(stream, headers);
  });
  const ready = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<undefined>();
  bridgeNetwork(bridgeEnd, { port: 0, onReady: ready.resolve, onEnd: () => ended.resolve(undefined) });
  const port = await ready.promise;
  return {
    ...{ port, session, ended: ended.promise },
    async [Symbol.asyncDispose]() {
      session.destroy();
      await ended.promise;
    },
  };
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk.toString("latin1");
  return text;
}

/** What comes back for some bytes. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined).write(text);
  return textOf(socket);
}

async function openTunnel(port: number, place: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined).write(`CONNECT ${place} HTTP/1.1\r\nhost: ${place}\r\n\r\n`);
  const [head] = (await once(socket, "data")) as [Buffer];
  expect(head.toString()).toBe("HTTP/1.1 200 OK\r\n\r\n");
  return socket;
}

test("[SB55] a request is passed on with its method, host, path, headers and body, and so is its answer", async () => {
  const seen: unknown[] = [];
  await using bridge = await startBridge((stream, headers) => {
    void textOf(stream).then((body) => {
      const {
        ":method": method,
        ":authority": host,
        ":path": path,
        ":scheme": scheme,
        "x-own": own,
        connection,
      } = headers;
      seen.push({ method, host, path, scheme, own, connection, body });
      stream.respond({ ":status": 418, "set-cookie": ["a=1", "b=2"], "x-answer": "yes" });
      stream.end("short and stout");
    });
  });
  const asked = askHttp({
    ...{ port: bridge.port, method: "PUT", path: "http://a.example:81/p?q=1" },
    headers: { host: "ignored.example", "x-own": "1", "proxy-authorization": "secret", connection: "close" },
  });
  asked.end("body");
  const [answer] = (await once(asked, "response")) as [AsyncIterable<Buffer> & { statusCode: number; headers: object }];
  expect([answer.statusCode, answer.headers, await textOf(answer)]).toEqual([
    418,
    expect.objectContaining({ "set-cookie": ["a=1", "b=2"], "x-answer": "yes" }),
    "short and stout",
  ]);
  const passed = { method: "PUT", host: "a.example:81", path: "/p?q=1", scheme: "http", own: "1", body: "body" };
  expect(seen).toEqual([{ ...passed, connection: undefined }]);
});

test("[SB55] a tunnel passes bytes both ways, each direction until its own end", async () => {
  await using bridge = await startBridge((stream, headers) => {
    stream.respond({ ":status": 200 });
    void textOf(stream).then((heard) => stream.end(`${String(headers[":authority"])} heard ${heard}`));
  });
  const socket = await openTunnel(bridge.port, "a.example:443");
  socket.end("all of it");
  expect(await textOf(socket)).toBe("a.example:443 heard all of it");
});

test("[SB55] what is refused, broken off or cannot be said ends that connection with an answer", async () => {
  await using bridge = await startBridge((stream, headers) => {
    if (headers[":path"] === "/broken") stream.close();
    else if (headers[":path"] === "/half") stream.respond({ ":status": 200 });
    else stream.respond({ ":status": 403 }, { endStream: true });
    if (headers[":path"] === "/half")
      stream.write("half", () => setImmediate(() => stream.destroy(new Error("broken"))));
  });
  const { port } = bridge;
  expect(await say(port, "CONNECT a.example:443 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).toBe(
    "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n",
  );
  expect(await say(port, "GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).toMatch(
    /^HTTP\/1.1 400 [^]*This is a proxy/,
  );
  expect(await say(port, "GET http://a/broken HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).toMatch(
    /^HTTP\/1.1 502 [^]*ended the request/,
  );
  expect(await say(port, "GET http://a/half HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).not.toMatch(
    /\r\n0\r\n/,
  );
  expect(await say(port, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1.1 400/);
  expect(await say(port, "GET http://a/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).toMatch(/^HTTP\/1.1 403/);
});

test("[SB55] one that stands still holds up no other", async () => {
  const standing: ServerHttp2Stream[] = [];
  await using bridge = await startBridge((stream, headers) => {
    stream.respond({ ":status": 200 });
    if (headers[":authority"] === "still:1") standing.push(stream);
    else stream.pipe(stream);
  });
  const stuck = await Promise.all(Array.from({ length: 20 }, () => openTunnel(bridge.port, "still:1")));
  // More than the windows of one stream and of a plain connection hold.
  for (const socket of stuck) socket.write(Buffer.alloc(1 << 20));
  const moving = await openTunnel(bridge.port, "moving:1");
  moving.end("x".repeat(1 << 20));
  expect((await textOf(moving)).length).toBe(1 << 20);
  for (const socket of stuck) socket.destroy();
});

test("[SB52] without the host there is no way left", async () => {
  const bridge = await startBridge((stream) => stream.respond({ ":status": 200 }));
  const socket = await openTunnel(bridge.port, "a.example:443");
  const closed = once(socket, "close");
  bridge.session.destroy();
  socket.end();
  await Promise.all([closed, bridge.ended]);
  const late = connect(bridge.port, "127.0.0.1");
  expect(await once(late, "connect").catch((error: unknown) => (error as NodeJS.ErrnoException).code)).toBe(
    "ECONNREFUSED",
  );
});
