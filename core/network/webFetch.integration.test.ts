import { createServer as createTlsServer, get as getTls } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test, vi } from "vitest";
import { systemClock } from "../base/index.ts";
import type { AuthorizeHop, Clock, WebFetchOptions, WebRequest } from "../ports/index.ts";
import { FakeClock } from "../testing/index.ts";
import { createWebFetch } from "./index.ts";
import { followRedirect } from "./redirects.ts";
import { parseTarget } from "./requestRules.ts";
import { listen } from "./testing/loopbackServer.ts";
import { SELF_SIGNED } from "./testing/selfSigned.ts";
import type { WebFetchServiceOptions } from "./webFetch.ts";

type Hop = Parameters<AuthorizeHop>[0];

function setUp(change: Partial<WebFetchServiceOptions> = {}) {
  const hops: Hop[] = [];
  const web = createWebFetch({ clock: systemClock, ownPorts: () => new Set(), ...change });
  const ask = (url: string, request: Partial<WebRequest> = {}, options: Partial<WebFetchOptions> = {}) =>
    web.fetch(
      { url, method: "GET", headers: {}, ...request },
      { signal: new AbortController().signal, caller: "plugin:a", authorize: (hop) => void hops.push(hop), ...options },
    );
  return { ask, hops };
}

const text = (body: Uint8Array): string => Buffer.from(body).toString();
const resolveTo =
  (...addresses: string[]) =>
  () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));

test("[NW1] a request arrives with its method, headers and body, and the answer comes back whole", async () => {
  await using server = await listen((_request, response) =>
    response
      .writeHead(
        201,
        [
          ["x-a", "1"],
          ["x-a", "2"],
          ["set-cookie", "a=1, b"],
          ["set-cookie", "c"],
        ].flat(),
      )
      .end("done"),
  );
  const { ask, hops } = setUp();
  const body = Buffer.from('{"a":"ü"}');
  const headers = { "Content-Type": "application/json", "X-Api-Key": "k" };
  const answer = await ask(`http://0x7f.1:${server.port}/p?q=1#f`, { method: "POST", headers, body });
  expect({ ...answer, body: text(answer.body) }).toMatchObject({
    status: 201,
    body: "done",
    url: `http://127.0.0.1:${server.port}/p?q=1`,
    headers: { "x-a": "1, 2", "set-cookie": "a=1, b\nc" },
  });
  expect(server.seen).toMatchObject([
    {
      method: "POST",
      url: "/p?q=1",
      body: '{"a":"ü"}',
      headers: { host: `127.0.0.1:${server.port}`, "x-api-key": "k", "user-agent": "LogoMesh" },
    },
  ]);
  const hop = { scheme: "http", host: "127.0.0.1", port: server.port, method: "POST" };
  expect(hops).toEqual([{ ...hop, reach: "loopback", address: "127.0.0.1" }]);
});

test("[NW3] a name is asked about before it is looked up, and then each of its addresses", async () => {
  await using server = await listen((_request, response) => response.end("x"));
  const resolve = vi.fn(resolveTo("127.0.0.1", "127.0.0.3"));
  const { ask, hops } = setUp({ resolve });
  await ask(`http://Name.Example.:${server.port}/`);
  expect(hops.map(({ host, reach, address }) => [host, reach, address])).toEqual([
    ["name.example", "unresolved", undefined],
    ["name.example", "loopback", "127.0.0.1"],
    ["name.example", "loopback", "127.0.0.3"],
  ]);
  expect(resolve.mock.calls).toEqual([["name.example"]]);
  expect(server.seen[0]?.headers.host).toBe(`name.example:${server.port}`);
});

test("[NW3] a name that is not granted is not even looked up", async () => {
  const resolve = vi.fn(resolveTo("127.0.0.1"));
  const { ask } = setUp({ resolve });
  const denied = new LogoMeshError("LM_POLICY_DENIED", "not granted");
  const authorize: AuthorizeHop = () => {
    throw denied;
  };
  await expect(ask("http://secret-in-the-name.example/", {}, { authorize })).rejects.toBe(denied);
  expect(resolve).not.toHaveBeenCalled();
});

test("[NW3] the address that was judged is dialled, whatever the resolver says a second time", async () => {
  await using judged = await listen((_request, response) => response.end("judged"));
  await using other = await listen((_request, response) => response.end("rebound"), {
    host: "127.0.0.2",
    port: judged.port,
  });
  let turn = 0;
  const resolve = vi.fn(() => resolveTo(turn++ === 0 ? "127.0.0.1" : "127.0.0.2")());
  const { ask } = setUp({ resolve });
  const authorize: AuthorizeHop = ({ address }) => {
    if (address === "127.0.0.2") throw new LogoMeshError("LM_POLICY_DENIED", "not this one");
  };
  expect(text((await ask(`http://rebind.example:${judged.port}/`, {}, { authorize })).body)).toBe("judged");
  expect(resolve).toHaveBeenCalledTimes(1);
  await expect(ask(`http://rebind.example:${judged.port}/`, {}, { authorize })).rejects.toMatchObject({
    code: "LM_POLICY_DENIED",
  });
  expect(other.seen).toEqual([]);
});

test("[NW3] one refused address among good ones refuses the request", async () => {
  await using server = await listen((_request, response) => response.end("x"));
  const { ask } = setUp({ resolve: resolveTo("127.0.0.1", "10.0.0.1") });
  const authorize: AuthorizeHop = ({ reach }) => {
    if (reach === "private") throw new LogoMeshError("LM_POLICY_DENIED", "private");
  };
  await expect(ask(`http://mixed.example:${server.port}/`, {}, { authorize })).rejects.toMatchObject({
    message: "private",
  });
  expect(server.seen).toEqual([]);
});

test.each([
  ["http://169.254.169.254/latest", undefined],
  ["http://[fe80::1]/", undefined],
  ["http://[::ffff:169.254.169.254]/", undefined],
  ["http://0.0.0.0/", undefined],
  ["http://[ff02::1]/", undefined],
  ["http://meta.example/", "169.254.169.254"],
  ["http://meta.example/", "fe80::1%eth0"],
  ["http://meta.example/", "fd00:ec2::254"],
  ["http://meta.example/", "127.0.0.1\n"],
  ["http://own.example:7420/", "127.0.0.9"],
  ["http://localhost:7420/", "::1"],
  ["http://[::ffff:127.0.0.1]:7420/", undefined],
])("[NW5] %s (%s) is refused although everything is authorized", async (url, address) => {
  const { ask } = setUp({
    ownPorts: () => new Set([7420]),
    ...(address === undefined ? {} : { resolve: resolveTo(address) }),
  });
  await expect(ask(url)).rejects.toMatchObject({ code: "LM_NET_REFUSED" });
});

test("[NW5] the workbench's port is closed on every address of this machine", async () => {
  const { ask } = setUp({ ownPorts: () => new Set([7420]) });
  const own = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const hosts = own
    .filter(({ scopeid = 0 }) => scopeid === 0)
    .flatMap(({ address, family }) => (family === "IPv6" ? [`[${address}]`] : [address, `[::ffff:${address}]`]));
  expect(hosts.length).toBeGreaterThan(0);
  for (const host of hosts)
    await expect(ask(`http://${host}:7420/`), host).rejects.toMatchObject({ message: /workbench's own/ });
});

test("[NW2] [NW6] [NW7] what may not be said is refused before anything is asked or looked up", async () => {
  const resolve = vi.fn(resolveTo("127.0.0.1"));
  const { ask, hops } = setUp({ resolve });
  const refused = { code: "LM_NET_REFUSED" };
  await expect(ask("http://user:x@a.example/")).rejects.toMatchObject(refused);
  await expect(ask("http://a.example/", { headers: { Host: "b" } })).rejects.toMatchObject(refused);
  await expect(ask("http://a.example/", { headers: { a: "b\r\nc: d" } })).rejects.toMatchObject(refused);
  await expect(ask("http://a.example/", { method: "CONNECT" })).rejects.toMatchObject(refused);
  await expect(ask("http://a.example/", { body: new Uint8Array() })).rejects.toMatchObject(refused);
  expect([hops, resolve.mock.calls]).toEqual([[], []]);
});

test("[NW8] no proxy, relaxed TLS or cookie of the surroundings is used", async () => {
  await using proxy = await listen((_request, response) => response.end("proxied"));
  await using server = await listen((_request, response) => response.setHeader("set-cookie", "id=1").end("direct"));
  for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
    vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`);
  vi.stubEnv("NODE_USE_ENV_PROXY", "1");
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  try {
    const { ask } = setUp();
    expect(text((await ask(`http://127.0.0.1:${server.port}/`)).body)).toBe("direct");
    await ask(`http://127.0.0.1:${server.port}/`);
    expect(server.seen[1]?.headers).not.toHaveProperty("cookie");
    expect(Object.keys(server.seen[1]?.headers ?? {}).sort()).toEqual([
      "accept-encoding",
      "connection",
      "host",
      "user-agent",
    ]);
    expect(proxy.seen).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
  }
});

test("[NW8] a certificate that nobody vouches for is refused, whatever the environment says", async () => {
  const server = createTlsServer(SELF_SIGNED, (_request, response) => response.end("trusted"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  try {
    // The same is answered to who asks as the environment says.
    const relaxed = await new Promise((resolve) => getTls(url, ({ statusCode }) => resolve(statusCode)));
    expect(relaxed).toBe(200);
    const { ask } = setUp();
    await expect(ask(url)).rejects.toMatchObject({ code: "LM_NET_FAILED", message: /self-signed/ });
  } finally {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    server.close();
  }
});

test("[NW11] a redirect from https to http is refused", () => {
  const hop = { target: parseTarget("https://a.example/"), method: "GET", headers: new Map(), body: undefined };
  expect(() => followRedirect(hop, { status: 302, location: "http://a.example/" })).toThrow("not encrypted");
  expect(followRedirect(hop, { status: 302, location: "//b.example/" }).target.origin).toBe("https://b.example:443");
});

test.each([
  [301, "POST", "GET", ""],
  [302, "POST", "GET", ""],
  [303, "PUT", "GET", ""],
  [303, "HEAD", "HEAD", ""],
  [301, "PUT", "PUT", "body"],
  [307, "POST", "POST", "body"],
  [308, "DELETE", "DELETE", "body"],
])("[NW9] after %i %s becomes %s", async (status, method, next, body) => {
  await using server = await listen(({ url }, response) =>
    url === "/a" ? response.writeHead(status, { location: "b#c" }).end("moved") : response.end("there"),
  );
  const { ask, hops } = setUp();
  const content = method === "HEAD" ? {} : { body: Buffer.from("body"), headers: { "content-type": "text/plain" } };
  const answer = await ask(`http://127.0.0.1:${server.port}/a`, { method, ...content });
  expect(answer).toMatchObject({ status: 200, url: `http://127.0.0.1:${server.port}/b` });
  expect(server.seen[1]).toMatchObject({ method: next, url: "/b", body });
  expect(server.seen[1]?.headers["content-type"]).toBe(body === "" ? undefined : "text/plain");
  expect(hops.map((hop) => hop.method)).toEqual([method, next]);
});

test("[NW9] a redirect is judged like a first request, and is bounded", async () => {
  await using server = await listen(({ url }, response) =>
    response.writeHead(302, { location: url === "/local" ? "http://127.0.0.2:1/" : "/again" }).end(),
  );
  const base = `http://127.0.0.1:${server.port}`;
  const { ask, hops } = setUp();
  const authorize: AuthorizeHop = ({ host }) => {
    if (host === "127.0.0.2") throw new LogoMeshError("LM_POLICY_DENIED", "not there");
  };
  await expect(ask(`${base}/local`, {}, { authorize })).rejects.toMatchObject({ message: "not there" });
  await expect(ask(`${base}/again`)).rejects.toMatchObject({ code: "LM_NET_REFUSED", message: /More than 5/ });
  expect(hops).toHaveLength(6);
  expect(server.seen).toHaveLength(7);
});

test("[NW10] no secret crosses to another origin, nor comes back from there", async () => {
  await using second = await listen((_request, response) => response.writeHead(307, { location: back() }).end());
  await using first = await listen(({ url }, response) =>
    url === "/end" ? response.end() : response.writeHead(307, { location: `http://127.0.0.1:${second.port}/` }).end(),
  );
  const back = (): string => `http://127.0.0.1:${first.port}/end`;
  const secrets = { Authorization: "Bearer s", Cookie: "s=1", "X-Api-Key": "s", "Proxied-Token": "s" };
  const { ask } = setUp();
  await ask(`http://127.0.0.1:${first.port}/`, { headers: { ...secrets, Accept: "a/b", "Accept-Language": "de" } });
  expect(first.seen[0]?.headers).toMatchObject({ authorization: "Bearer s", cookie: "s=1", "x-api-key": "s" });
  for (const { headers } of [second.seen[0]!, first.seen[1]!]) {
    expect(headers).toMatchObject({ accept: "a/b", "accept-language": "de" });
    expect(JSON.stringify(Object.values(headers))).not.toMatch(/"s"|Bearer|s=1/);
  }
});

test.each([
  ["ftp://127.0.0.1/", "ftp"],
  ["http://user@127.0.0.1/", "user"],
  ["http://", "not a URL"],
])("[NW11] a redirect to %s is refused", async (location, words) => {
  await using server = await listen((_request, response) => response.writeHead(302, { location }).end());
  const { ask } = setUp();
  await expect(ask(`http://127.0.0.1:${server.port}/`)).rejects.toMatchObject({
    code: "LM_NET_REFUSED",
    message: expect.stringContaining(words),
  });
});

test("[NW11] a redirect can be the answer, with its body", async () => {
  await using server = await listen((_request, response) => response.writeHead(302, { location: "/b" }).end("moved"));
  const { ask } = setUp();
  const answer = await ask(`http://127.0.0.1:${server.port}/`, {}, { redirects: "answer" });
  expect({ ...answer, body: text(answer.body) }).toMatchObject({
    status: 302,
    headers: { location: "/b" },
    body: "moved",
  });
  expect(server.seen).toHaveLength(1);
});

test("[NW9] what a redirect says beside its target is not read", async () => {
  await using server = await listen(({ url }, response) => {
    if (url === "/b") response.end("there");
    else response.writeHead(302, { location: "/b" }).write(Buffer.alloc(1_000_000));
  });
  const { ask } = setUp();
  expect(text((await ask(`http://127.0.0.1:${server.port}/`, {}, { bytesMax: 100 })).body)).toBe("there");
});

const encoded = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync };

test.each(Object.entries(encoded))(
  "[NW12] %s is decoded, and a bomb of it ends at the bound",
  async (coding, encode) => {
    await using server = await listen(({ url }, response) => {
      response.setHeader("content-encoding", coding);
      response.end(encode(url === "/bomb" ? Buffer.alloc(50_000_000) : Buffer.from("hello")));
    });
    const { ask } = setUp();
    const answer = await ask(`http://127.0.0.1:${server.port}/`);
    expect(text(answer.body)).toBe("hello");
    expect(answer.headers).not.toHaveProperty("content-encoding");
    expect(answer.headers).not.toHaveProperty("content-length");
    const closed = server.nextClose();
    await expect(ask(`http://127.0.0.1:${server.port}/bomb`, {}, { bytesMax: 1_000_000 })).rejects.toMatchObject({
      code: "LM_TOO_LARGE",
      message: expect.stringContaining("1000000"),
    });
    await closed;
  },
);

test("[NW12] two codings are decoded, three refused, unknown ones handed over", async () => {
  await using server = await listen(({ url }, response) => {
    response.setHeader("content-encoding", url.slice(1).replaceAll("-", ", "));
    response.end(gzipSync(gzipSync("deep")));
  });
  const { ask } = setUp();
  const base = `http://127.0.0.1:${server.port}`;
  expect(text((await ask(`${base}/gzip-gzip`)).body)).toBe("deep");
  await expect(ask(`${base}/gzip-gzip-gzip`)).rejects.toMatchObject({ code: "LM_NET_REFUSED" });
  const unknown = await ask(`${base}/gzip-rot13`);
  expect(unknown.headers["content-encoding"]).toBe("gzip, rot13");
  expect(Buffer.compare(unknown.body, gzipSync(gzipSync("deep")))).toBe(0);
  const constructor = await ask(`${base}/constructor`);
  expect(constructor.headers["content-encoding"]).toBe("constructor");
});

test("[NW12] a plain body is bounded, also when the caller asks for more than there may be", async () => {
  await using server = await listen(({ url }, response) => response.end(Buffer.alloc(Number(url.slice(1)))));
  const { ask } = setUp();
  const base = `http://127.0.0.1:${server.port}`;
  await expect(ask(`${base}/11`, {}, { bytesMax: 10 })).rejects.toMatchObject({ code: "LM_TOO_LARGE" });
  expect((await ask(`${base}/10`, {}, { bytesMax: 10 })).body).toHaveLength(10);
  await expect(ask(`${base}/${8 * 1024 * 1024 + 1}`)).rejects.toMatchObject({ code: "LM_TOO_LARGE" });
  await expect(ask(`${base}/${64 * 1024 * 1024 + 1}`, {}, { bytesMax: 1e12 })).rejects.toMatchObject({
    code: "LM_TOO_LARGE",
  });
});

test("[NW12] answers without content are not decoded", async () => {
  await using server = await listen(({ method, url }, response) => {
    response.writeHead(method === "HEAD" ? 200 : Number(url.slice(1)), { "content-encoding": "gzip" }).end();
  });
  const { ask } = setUp();
  const base = `http://127.0.0.1:${server.port}`;
  expect(await ask(`${base}/200`, { method: "HEAD" })).toMatchObject({ status: 200, body: new Uint8Array() });
  expect(await ask(`${base}/204`)).toMatchObject({ status: 204, body: new Uint8Array() });
  expect(await ask(`${base}/304`)).toMatchObject({ status: 304, body: new Uint8Array() });
});

test("[NW13] one time limit covers an answer that never comes and one that drips", async () => {
  await using server = await listen(({ url }, response) => {
    if (url === "/drip") response.write("x");
  });
  for (const path of ["/never", "/drip"]) {
    const clock = new FakeClock();
    const { ask } = setUp({ clock });
    const arrived = server.nextRequest();
    const closed = server.nextClose();
    const asking = expect(ask(`http://127.0.0.1:${server.port}${path}`)).rejects.toMatchObject({
      code: "LM_TIMEOUT",
      message: expect.stringContaining("30000"),
    });
    await arrived;
    await clock.advance(30_000);
    await asking;
    await closed;
    expect(clock.nextTimerMs()).toBeUndefined();
  }
});

test("[NW13] the limit covers the look-up, and is at most ten minutes", async () => {
  const clock: FakeClock & Clock = new FakeClock();
  const { ask } = setUp({ clock, resolve: () => new Promise(() => undefined) });
  const asking = expect(ask("http://slow.example/", {}, { timeoutMs: 1e9 })).rejects.toMatchObject({
    code: "LM_TIMEOUT",
    message: expect.stringContaining("600000"),
  });
  expect(clock.nextTimerMs()).toBe(600_000);
  await clock.advance(600_000);
  await asking;
});

test("[NW14] cancelling ends the connection and passes the reason on", async () => {
  await using server = await listen(() => undefined);
  const { ask } = setUp();
  const abort = new AbortController();
  const arrived = server.nextRequest();
  const closed = server.nextClose();
  const asking = expect(ask(`http://127.0.0.1:${server.port}/`, {}, { signal: abort.signal })).rejects.toBe("enough");
  await arrived;
  abort.abort("enough");
  await asking;
  await closed;
  await expect(ask(`http://127.0.0.1:${server.port}/`, {}, { signal: abort.signal })).rejects.toBe("enough");
});

test("[NW15] a caller's requests wait for their turn, look-ups that nobody waits for included; others go on", async () => {
  const pending: PromiseWithResolvers<never>[] = [];
  const resolve = vi.fn((): Promise<never> => {
    const looking = Promise.withResolvers<never>();
    pending.push(looking);
    return looking.promise;
  });
  const { ask } = setUp({ resolve });
  const turn = () => new Promise((done) => setImmediate(done));
  const abort = new AbortController();
  const asked = Array.from({ length: 16 }, () => ask("http://a.example/", {}, { signal: abort.signal }).catch(() => 0));
  await turn();
  abort.abort();
  await Promise.all(asked);
  const stop = new AbortController();
  const waiting = Array.from({ length: 256 }, () =>
    ask("http://a.example/", {}, { signal: stop.signal }).catch((error: unknown) => error),
  );
  await turn();
  expect(resolve).toHaveBeenCalledTimes(16);
  await expect(ask("http://a.example/")).rejects.toMatchObject({ code: "LM_NET_BUSY" });
  const other = ask("http://b.example/", {}, { caller: "plugin:b" });
  await turn();
  expect(resolve).toHaveBeenCalledTimes(17);
  pending[16]?.reject(new Error("no such name"));
  await expect(other).rejects.toMatchObject({ code: "LM_NET_FAILED", message: /no such name/ });
  expect(resolve).toHaveBeenCalledTimes(17);
  pending[0]?.reject(new Error("gone"));
  await turn();
  expect(resolve).toHaveBeenCalledTimes(18);
  pending[17]?.reject(new Error("the first that waited"));
  expect(await waiting[0]).toMatchObject({ message: /the first that waited/ });
  stop.abort("enough");
  expect(await waiting[255]).toBe("enough");
});

test("[NW15] altogether 64 are under way", async () => {
  const resolve = vi.fn(() => new Promise<never>(() => undefined));
  const { ask } = setUp({ resolve });
  const abort = new AbortController();
  const asked = Array.from({ length: 80 }, (_none, index) =>
    ask("http://a.example/", {}, { caller: `plugin:${index % 8}`, signal: abort.signal }).catch(() => 0),
  );
  await new Promise((done) => setImmediate(done));
  expect(resolve).toHaveBeenCalledTimes(64);
  abort.abort();
  await Promise.all(asked);
});

test("[NW16] a host that cannot be reached, or speaks no HTTP, fails with the cause", async () => {
  const { ask } = setUp();
  const noise = createServer((socket) => {
    socket.on("error", () => undefined).resume();
    socket.end("SSH-2.0-noise\r\n");
  });
  await new Promise<void>((resolve) => noise.listen(0, "127.0.0.1", resolve));
  const port = (noise.address() as AddressInfo).port;
  const failed = { code: "LM_NET_FAILED", message: expect.stringContaining(`127.0.0.1:${port} could not be asked: `) };
  await expect(ask(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(failed);
  await expect(ask(`https://127.0.0.1:${port}/`)).rejects.toMatchObject(failed);
  await new Promise((resolve) => noise.close(resolve));
  await expect(ask(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(failed);
  const nowhere = setUp({ resolve: resolveTo() });
  await expect(nowhere.ask("http://a.example/")).rejects.toMatchObject({ message: /no address/ });
});

test("[NW16] a name whose addresses all refuse says so for each", async () => {
  await using server = await listen(() => undefined);
  const { ask } = setUp({ resolve: resolveTo("127.0.0.7", "127.0.0.8") });
  await expect(ask(`http://two.example:${server.port}/`)).rejects.toMatchObject({
    code: "LM_NET_FAILED",
    message: /127\.0\.0\.7.*127\.0\.0\.8/,
  });
});
