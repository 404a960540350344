import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { systemClock } from "../base/index.ts";
import type { AuthorizeHop } from "../ports/index.ts";
import { FakeClock } from "../testing/index.ts";
import { createWebTunnels } from "./index.ts";
import type { WebFetchServiceOptions } from "./webFetch.ts";

type Hop = Parameters<AuthorizeHop>[0];

/** Says everything back, and what it heard in whole when the other side has ended. */
async function echo() {
  const connections: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.push(socket);
    socket.on("error", () => undefined).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ...{ connections, port: (server.address() as AddressInfo).port },
    async [Symbol.asyncDispose]() {
      for (const socket of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function setUp(change: Partial<WebFetchServiceOptions> = {}) {
  const hops: Hop[] = [];
  const tunnels = createWebTunnels({ clock: systemClock, ownPorts: () => new Set(), ...change });
  const open = (authority: string, signal = new AbortController().signal, authorize: AuthorizeHop = () => undefined) =>
    tunnels.open(authority, { signal, authorize: (hop) => (hops.push(hop), authorize(hop)) });
  return { open, hops };
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk.toString();
  return text;
}

const to = (address: string) => () => Promise.resolve([{ address, family: address.includes(":") ? 6 : 4 }]);

test("[NW40] bytes pass both ways through a judged address, each direction until its own end", async () => {
  await using server = await echo();
  const { open, hops } = setUp({ resolve: to("127.0.0.1") });
  const { stream, address } = await open(`Upstream.Example.:${server.port}`);
  stream.end("there and back");
  expect(await textOf(stream)).toBe("there and back");
  expect(address).toBe("127.0.0.1");
  const about = { scheme: "https", host: "upstream.example", port: server.port, method: "CONNECT" };
  expect(hops).toEqual([
    { ...about, reach: "unresolved" },
    { ...about, reach: "loopback", address: "127.0.0.1" },
  ]);
});

test("[NW40] what is refused for the name or for its address is never dialled", async () => {
  await using server = await echo();
  const { open } = setUp({ resolve: to("127.0.0.1") });
  const denied = new LogoMeshError("LM_POLICY_DENIED", "no");
  for (const refused of ["unresolved", "loopback"]) {
    const authorize: AuthorizeHop = ({ reach }) => {
      if (reach === refused) throw denied;
    };
    await expect(open(`a.example:${server.port}`, undefined, authorize)).rejects.toBe(denied);
  }
  expect(server.connections).toHaveLength(0);
});

test("[NW40] one name has one form, and what names no port, or more than a host, is refused", async () => {
  const { open, hops } = setUp();
  const odd = ["a.org", "a.org:443/x", "user@a.org:443", "a.org:99999", "a.org:443:443", "", ":443", "a b:443"];
  for (const authority of [...odd, "a.org:443\r\nHost: b", "a.org\\b:443", "a.org:443#", "\0a.org:443"])
    await expect(open(authority), authority).rejects.toMatchObject({ code: "LM_NET_REFUSED" });
  expect(hops).toEqual([]);
});

test("[NW40] metadata, unspecified and the workbench's own address are refused whatever is authorized", async () => {
  await using server = await echo();
  const own = setUp({ ownPorts: () => new Set([server.port]), resolve: to("127.0.0.1") });
  const refused = { code: "LM_NET_REFUSED" };
  await expect(own.open(`127.0.0.1:${server.port}`)).rejects.toMatchObject(refused);
  await expect(own.open(`[::ffff:7f00:1]:${server.port}`)).rejects.toMatchObject(refused);
  await expect(own.open(`rebound.example:${server.port}`)).rejects.toMatchObject(refused);
  const { open } = setUp({ resolve: to("169.254.169.254") });
  for (const authority of ["169.254.169.254:80", "0:80", "[::]:80", "metadata.example:80"])
    await expect(open(authority)).rejects.toMatchObject(refused);
  expect(server.connections).toHaveLength(0);
});

test("[NW41] 256 tunnels may be open, and closed ones make room", async () => {
  await using server = await echo();
  const { open } = setUp();
  const authority = `127.0.0.1:${server.port}`;
  const held = await Promise.all(Array.from({ length: 256 }, () => open(authority)));
  await expect(open(authority)).rejects.toMatchObject({ code: "LM_NET_BUSY" });
  const closed = new Promise((resolve) => held[0]?.stream.once("close", resolve));
  held[0]?.stream.destroy();
  await closed;
  held.push(await open(authority));
  for (const { stream } of held) stream.destroy();
});

test("[NW42] what cannot be opened says why and makes room", async () => {
  const port = await echo().then(async (server) => {
    await server[Symbol.asyncDispose]();
    return server.port;
  });
  const { open } = setUp({ resolve: () => Promise.reject(new Error("no such name")) });
  const attempt = () =>
    expect(open("a.example:443")).rejects.toMatchObject({
      code: "LM_NET_FAILED",
      message: expect.stringContaining("no such name"),
    });
  for (const count of [200, 200]) await Promise.all(Array.from({ length: count }, attempt));
  await expect(open(`127.0.0.1:${port}`)).rejects.toMatchObject({
    code: "LM_NET_FAILED",
    message: expect.stringContaining("ECONNREFUSED"),
  });
});

test("[NW42] waiting ends with the caller's reason, and after ten seconds", async () => {
  const clock = new FakeClock();
  const { open } = setUp({ clock, resolve: () => new Promise(() => undefined) });
  const abort = new AbortController();
  const cancelled = open("a.example:443", abort.signal);
  const reason = new Error("not any more");
  abort.abort(reason);
  await expect(cancelled).rejects.toBe(reason);
  await expect(open("a.example:443", abort.signal)).rejects.toBe(reason);
  const late = expect(open("a.example:443")).rejects.toMatchObject({ code: "LM_TIMEOUT" });
  await clock.advance(10_000);
  await late;
});

test("[NW42] a host that breaks off ends its tunnel and nothing else", async () => {
  await using server = await echo();
  const { open } = setUp();
  const { stream } = await open(`127.0.0.1:${server.port}`);
  await expect.poll(() => server.connections.length).toBe(1);
  const closed = new Promise((resolve) => stream.once("close", resolve));
  server.connections[0]?.resetAndDestroy();
  await closed;
});
