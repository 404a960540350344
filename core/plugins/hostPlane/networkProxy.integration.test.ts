import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import type { WebTunnels } from "../../ports/index.ts";
import { FakeClock } from "../../testing/index.ts";
import { OpenTunnel, type TunnelOutcome } from "./openTunnel.ts";
import { connectedPair } from "./testing/connectedPair.ts";
import { PLUGIN, PlayedPlane } from "./testing/playedPlane.ts";

const MIB = 1024 * 1024;
const web = { fetch: () => Promise.reject(new LogoMeshError("LM_NET_FAILED", "no web here")) };

/** A host for every tunnel, played by the test. */
function playedTunnels() {
  const hosts: Socket[] = [];
  const tunnels: WebTunnels = {
    parse: (authority) => ({
      scheme: "https",
      host: authority.split(":")[0] ?? "",
      port: Number(authority.split(":")[1]),
    }),
    async open(authority, { authorize }) {
      const about = { scheme: "https", host: authority.split(":")[0] ?? "", port: 443, method: "CONNECT" };
      authorize({ ...about, reach: "public", address: "93.184.216.34" });
      const [near, far] = await connectedPair();
      hosts.push(far.resume());
      return { stream: near, address: "93.184.216.34" };
    },
  };
  return { hosts, tunnels };
}

/** A plugin that took the bridge's place and speaks to the host itself. */
async function playBridge(services: { web: typeof web; tunnels: WebTunnels }) {
  const [proxy, bridge] = await connectedPair();
  // As the socket inside is.
  bridge.allowHalfOpen = false;
  const played = new PlayedPlane(services, { proxy });
  const session = connect("http://host", { createConnection: () => bridge });
  session.on("error", () => undefined);
  return {
    ...{ played, session },
    [Symbol.dispose]() {
      session.destroy();
      played[Symbol.dispose]();
    },
  };
}

/** The status, 0 for a stream that HTTP/2 itself refused. */
function open(session: ClientHttp2Session, authority = "a.example:443"): Promise<[number, ClientHttp2Stream]> {
  const stream = session.request({ ":method": "CONNECT", ":authority": authority }).resume();
  return new Promise((resolve) => {
    stream.once("error", () => resolve([0, stream]));
    stream.once("response", ({ ":status": status = 0 }) => {
      if (status !== 200) stream.end();
      resolve([status, stream]);
    });
  });
}

/** The status of a request that is no tunnel. */
function ask(session: ClientHttp2Session, headers: Record<string, string>): Promise<number> {
  const whole = { ":method": "GET", ":path": "/", ":authority": "a.example", ...headers };
  const stream = session.request(whole).resume();
  return new Promise((resolve) => {
    stream.once("error", () => resolve(0));
    stream.once("response", ({ ":status": status = 0 }) => resolve(status));
  });
}

test("[PL144] who does not heed the number of connections is refused, and has what it had", async () => {
  const { hosts, tunnels } = playedTunnels();
  using bridge = await playBridge({ web, tunnels });
  const { session } = bridge;
  // Before it has heard how many there may be.
  const opened = await Promise.all(Array.from({ length: 40 }, () => open(session)));
  const statuses = opened.map(([status]) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(32);
  expect(statuses.filter((status) => status === 0 || status === 429)).toHaveLength(8);
  expect(hosts).toHaveLength(32);
});

test("[PL144] asking costs of the budget, denials cost more, and who goes on regardless is ended", async () => {
  const { tunnels } = playedTunnels();
  using bridge = await playBridge({ web, tunnels });
  const { session } = bridge;
  bridge.played.policy.denied.add("net.fetch http://a.example:80");
  const burst = (scheme: string) => Promise.all(Array.from({ length: 30 }, () => ask(session, { ":scheme": scheme })));
  const denials: number[] = [];
  for (let round = 0; round < 10; round += 1) denials.push(...(await burst("http")));
  expect(new Set(denials)).toEqual(new Set([403, 429]));
  expect(denials.filter((status) => status === 403).length).toBeLessThan(60);
  const gone = new Promise((resolve) => session.once("close", resolve));
  while (bridge.played.fatal.length === 0) await Promise.race([burst("https"), gone]);
  expect(bridge.played.fatal[0]).toMatchObject({
    code: "LM_PLUGIN_PROTOCOL",
    message: expect.stringContaining(PLUGIN),
  });
});

test("[PL142] a plane without a network closes the bridge, and one that ends opens nothing more", async () => {
  const [proxy, otherEnd] = await connectedPair();
  using _without = new PlayedPlane({}, { proxy });
  await new Promise((resolve) => otherEnd.resume().once("end", resolve));
  const { hosts, tunnels } = playedTunnels();
  using bridge = await playBridge({ web, tunnels });
  const { session } = bridge;
  const [status, stream] = await open(session);
  const closed = new Promise((resolve) => stream.once("close", resolve));
  bridge.played.plane.end();
  await closed;
  expect(status).toBe(200);
  await expect.poll(() => hosts.every(({ destroyed, readableEnded }) => destroyed || readableEnded)).toBe(true);
  expect((await open(session))[0]).toBe(0);
});

test("[PL145] no other scheme than http is passed on", async () => {
  const { tunnels } = playedTunnels();
  using bridge = await playBridge({ web, tunnels });
  const { session } = bridge;
  expect(await ask(session, { ":scheme": "https" })).toBe(403);
  expect(await ask(session, { ":scheme": "http", ":authority": "[" })).toBe(403);
  expect(await ask(session, { ":scheme": "http" })).toBe(502);
});

interface Played {
  clock: FakeClock;
  tunnel: OpenTunnel;
  plugin: Socket;
  host: Socket;
  outcome: Promise<TunnelOutcome>;
}

async function playTunnel(judge: () => void = () => undefined): Promise<Played> {
  const clock = new FakeClock();
  const [inside, plugin] = await connectedPair();
  const [outside, host] = await connectedPair();
  for (const end of [plugin, host]) end.resume();
  const tunnel = new OpenTunnel({ inside, outside, clock, judge, onSend: () => undefined });
  return { clock, tunnel, plugin, host, outcome: tunnel.ended };
}

test("[PL142] what passed is counted, and a tunnel whose ends have ended it has no fault", async () => {
  const { plugin, host, outcome, clock } = await playTunnel();
  plugin.end("12345");
  host.end("123");
  await clock.advance(20);
  expect(await outcome).toEqual({ bytesSent: 5, bytesReceived: 3, durationMs: 20 });
});

test("[PL142] an end that breaks off takes the other along", async () => {
  const { plugin, host, outcome } = await playTunnel();
  const closed = new Promise((resolve) => plugin.once("close", resolve));
  host.destroy();
  plugin.end();
  await Promise.all([closed, outcome]);
});

test("[PL144] a tunnel ends when nothing moves in it, after an hour, and after its bytes", async () => {
  const silent = await playTunnel();
  await silent.clock.advance(5 * 60_000);
  silent.tunnel.judge();
  silent.plugin.write("a sign of life");
  await new Promise((resolve) => silent.host.once("data", resolve));
  await silent.clock.advance(5 * 60_000);
  silent.tunnel.judge();
  await silent.clock.advance(1);
  silent.tunnel.judge();
  expect((await silent.outcome).error).toMatchObject({
    code: "LM_TIMEOUT",
    message: expect.stringMatching(/nothing moved/),
  });

  const long = await playTunnel();
  for (let minute = 0; minute < 61; minute += 1) {
    long.host.write("tick");
    await new Promise((resolve) => long.plugin.once("data", resolve));
    long.tunnel.judge();
    await long.clock.advance(60_000);
  }
  long.tunnel.judge();
  expect((await long.outcome).error).toMatchObject({ message: expect.stringMatching(/open for 60 minutes/) });

  const wide = await playTunnel();
  const chunk = Buffer.alloc(16 * MIB);
  const ended = new Promise((resolve) => wide.host.once("close", resolve));
  for (let sent = 0; sent <= 64 && !wide.host.destroyed; sent += 1)
    await Promise.race([new Promise((resolve) => wide.host.write(chunk, resolve)), ended]);
  expect((await wide.outcome).error).toMatchObject({ code: "LM_TOO_LARGE" });
});

test("[PL143] what may not go on ends, and a bug in judging is no reason to go on", async () => {
  const denied = new LogoMeshError("LM_POLICY_DENIED", "not any more");
  const judged = await playTunnel(() => {
    throw denied;
  });
  judged.tunnel.judge();
  expect((await judged.outcome).error).toBe(denied);
  const broken = await playTunnel(() => {
    throw new TypeError("a bug");
  });
  expect(() => broken.tunnel.judge()).toThrow("a bug");
});
