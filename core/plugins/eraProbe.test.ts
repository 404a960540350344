import { expect, test } from "vitest";
import { FakeClock } from "../testing/index.ts";
import { probeEra } from "./eraProbe.ts";
import { PlayedProcess } from "./testing.ts";

function probe() {
  const process = new PlayedProcess();
  const clock = new FakeClock();
  const introduction = {
    ...{ client: { name: "logomesh", version: "1" }, capabilities: { roots: {} }, settings: { city: "Bern" } },
  };
  const era = probeEra({ pluginId: "org.example.p", process, lineBytesMax: 10_000, introduction, clock });
  const state: { era?: string } = {};
  void era.then((verdict) => (state.era = verdict));
  const say = async (message: object): Promise<void> => {
    process.say(message);
    await clock.advance(0);
  };
  return { process, clock, era, state, say };
}

const DISCOVERED = { supportedVersions: ["2026-07-28"], capabilities: { tools: {} } };

test("[PL110] the question says revision, client, capabilities and settings, and a ping follows it", async () => {
  const { process, clock, era, say } = probe();
  await clock.advance(0);
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "logomesh", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": { roots: {} },
  };
  expect(process.messages()).toMatchObject([
    { id: 1, method: "server/discover", params: { _meta: { ...meta, "org.logomesh/settings": { city: "Bern" } } } },
    { id: 2, method: "ping", params: { _meta: meta } },
  ]);
  await say({ id: 1, result: DISCOVERED });
  expect(await era).toBe("modern");
  expect(process.isKilled).toBe(true);
  expect(clock.nextTimerMs()).toBeUndefined();
});

test.each<[string, object]>([
  ["that it does not know it", { id: 1, error: { code: -32601, message: "method not found" } }],
  ["that it needs a handshake", { id: 1, error: { code: -32602, message: "invalid request parameters" } }],
  [
    "that it knows other revisions",
    { id: 1, error: { code: -32022, message: "no", data: { supported: ["2027-01-01"] } } },
  ],
  ["nothing about itself", { id: 1, result: {} }],
  ["only of other revisions", { id: 1, result: { ...DISCOVERED, supportedVersions: ["2025-11-25", "2099-01-01"] } }],
  ["revisions that are no list", { id: 1, result: { ...DISCOVERED, supportedVersions: "2026-07-28" } }],
  ["a result of another type", { id: 1, result: { ...DISCOVERED, resultType: "task" } }],
  ["neither result nor error", { id: 1 }],
])("[PL110] a server that says %s is of the older era", async (_what, answer) => {
  const { process, era, say } = probe();
  await say(answer);
  expect(await era).toBe("legacy");
  expect(process.isKilled).toBe(true);
});

test("[PL110] so is one that ends, and one that breaks the protocol", async () => {
  const ended = probe();
  ended.process.end({ code: 1, signal: null });
  expect(await ended.era).toBe("legacy");
  const broken = probe();
  for (let n = 0; n < 20; n += 1) broken.process.stdout.write("Listening on port 3000\n");
  expect(await broken.era).toBe("legacy");
});

test("[PL110] one that answers the ping has a quarter of a second more to answer the question", async () => {
  const late = probe();
  await late.say({ id: 2, result: {} });
  await late.clock.advance(249);
  await late.say({ id: 1, result: DISCOVERED });
  expect(await late.era).toBe("modern");
  const silent = probe();
  await silent.say({ id: 2, error: { code: -32601, message: "no ping either" } });
  await silent.clock.advance(249);
  expect(silent.state).toEqual({});
  await silent.clock.advance(1);
  expect(silent.state).toEqual({ era: "legacy" });
});

test("[PL110] one that says nothing has two seconds", async () => {
  const { clock, state, process } = probe();
  await clock.advance(1_999);
  expect(state).toEqual({});
  await clock.advance(1);
  expect(state).toEqual({ era: "legacy" });
  expect(process.isKilled).toBe(true);
  expect(clock.nextTimerMs()).toBeUndefined();
});

test("[PL111] what it asks and says besides is for nobody", async () => {
  const { process, era, say } = probe();
  await say({ id: "q", method: "sampling/createMessage", params: {} });
  await say({ method: "notifications/message", params: { data: "hello" } });
  process.hostPlane.write("{}\n");
  await say({ id: 1, result: DISCOVERED });
  expect(await era).toBe("modern");
  expect(process.messages().map(({ method }) => method)).toEqual(["server/discover", "ping"]);
});
