import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import { createIdSource } from "../base/index.ts";
import { MemoryEventBus } from "../events/index.ts";
import { FakeClock, createSeededRandom } from "../testing/index.ts";
import { listeningPlugin } from "./hostPlane/testing/listeningPlugin.ts";
import { CALLER, TestHost } from "./testingHost.ts";

const ID = "org.example.fixture";
const OUTSIDE = { source: "client:tok_1", isSystem: false };
const why = "for the test";

interface Options {
  activation?: string[];
  subscribe?: string[];
  listens?: string[];
  grant?: boolean;
  files?: Record<string, string>;
}

async function open({
  activation = ["onEvent:com.acme.*"],
  subscribe = ["com.acme.*"],
  listens = ["com.acme.*"],
  grant = true,
  files = listeningPlugin(listens),
}: Options = {}) {
  const clock = new FakeClock();
  const bus = new MemoryEventBus({ clock, ids: createIdSource({ clock, random: createSeededRandom(4) }) });
  const host = new TestHost(clock);
  onTestFinished(() => host[Symbol.asyncDispose]());
  host.services = { events: bus };
  const permissions = { "event.subscribe": subscribe.map((type) => ({ type, why })) };
  host.write("listener", { manifest: { activation, permissions }, files });
  await host.open({ grant });
  const publish = (type: string, data?: JsonValue) =>
    bus.publish({ type, ...(data === undefined ? {} : { data }) }, OUTSIDE);
  const state = (): string => host.host.get(ID).state;
  const heard = async (): Promise<JsonValue[]> =>
    ((await host.call("heard")).structuredContent as { heard: JsonValue[] }).heard;
  const isListening = (): boolean => host.audit.kinds().includes("host.events_listen");
  return { host, bus, clock, publish, state, heard, isListening };
}

test("[PL150] an event starts the plugin, once for all that wait, and it hears them first, in order", async () => {
  const { host, publish, heard, isListening } = await open();
  expect(host.sandbox.processes).toHaveLength(0);
  for (let index = 0; index < 50; index += 1) publish("com.acme.paid", index);
  publish("com.other.paid");
  await expect.poll(isListening).toBe(true);
  publish("com.acme.sent", "later");
  await expect
    .poll(heard)
    .toEqual([
      ...Array.from({ length: 50 }, (_none, index) => ["com.acme.paid", index, 0]),
      ["com.acme.sent", "later", 0],
    ]);
  expect(host.sandbox.processes).toHaveLength(1);
  expect(host.audit.kinds().filter((kind) => kind === "plugin.started")).toHaveLength(1);
});

test("[PL150] what is more than a subscription holds is lost, and counted", async () => {
  const { publish, heard } = await open();
  for (let index = 0; index < 1_010; index += 1) publish("com.acme.paid", index);
  await expect.poll(async () => (await heard()).length).toBe(1_000);
  expect((await heard())[0]).toEqual(["com.acme.paid", 10, 10]);
});

test("[PL150] what came while the plugin was stopped, and what it did not take before, it hears at its next start", async () => {
  const { host, clock, publish, heard, state } = await open();
  publish("com.acme.first");
  await expect.poll(heard).toEqual([["com.acme.first", null, 0]]);
  await clock.advance(5 * 60_000);
  await expect.poll(state).toBe("stopped");
  expect(host.host.get(ID).stateReason).toContain("idle for five minutes");
  publish("com.acme.second");
  await expect.poll(heard).toEqual([["com.acme.second", null, 0]]);
  expect(host.sandbox.processes).toHaveLength(2);
});

test.each<[string, Options]>([
  ["was never granted", { grant: false }],
  ["does not name the type", { activation: ["onEvent:com.acme.paid"], subscribe: ["com.acme.paid"] }],
])("[PL151] no event starts a plugin that %s", async (_what, options) => {
  const { host, publish, state } = await open(options);
  publish("com.acme.other");
  await host.host.startActivated();
  expect(host.sandbox.processes).toHaveLength(0);
  expect(host.audit.kinds()).not.toContain("plugin.started");
  // The same plugin with the same event, when it may.
  if (options.grant === false) {
    await host.host.grant(ID, { sha256: host.host.get(ID).sha256, caller: CALLER });
    publish("com.acme.other");
  } else publish("com.acme.paid");
  await expect.poll(state).toBe("ready");
});

test("[PL151] disabled, revoked or granted without the type, it is not started, and what waited is gone", async () => {
  const { host, publish, heard, state } = await open();
  const { sha256 } = host.host.get(ID);
  await host.host.setEnabled(ID, { enabled: false, caller: CALLER });
  publish("com.acme.disabled");
  await host.host.setEnabled(ID, { enabled: true, caller: CALLER });
  await host.host.grant(ID, { sha256, permissions: {}, caller: CALLER });
  publish("com.acme.not-granted");
  await host.host.revoke(ID, CALLER);
  publish("com.acme.revoked");
  expect(host.sandbox.processes).toHaveLength(0);
  await host.host.grant(ID, { sha256, caller: CALLER });
  publish("com.acme.granted");
  await expect.poll(state).toBe("ready");
  await expect.poll(heard).toEqual([["com.acme.granted", null, 0]]);
});

test("[PL151] where policy denies it, one entry in half a minute is all that a flood of events makes", async () => {
  const { host, clock, publish, state } = await open();
  host.policy.denied.add(`plugin.start ${ID}`);
  const asked = () => host.policy.asked.filter(({ action }) => action === "plugin.start").length;
  for (let index = 0; index < 100; index += 1) {
    publish("com.acme.paid", index);
    await clock.advance(100);
  }
  expect(asked()).toBe(1);
  await clock.advance(30_000);
  publish("com.acme.paid");
  await clock.advance(0);
  expect(asked()).toBe(2);
  expect(host.sandbox.processes).toHaveLength(0);
  host.policy.denied.clear();
  await clock.advance(30_000);
  publish("com.acme.paid");
  await expect.poll(state).toBe("ready");
});

test("[PL151] one that crashes is started again after its pause, until it is in quarantine", async () => {
  const { host, clock, publish, state } = await open({ files: { "index.mjs": "process.exit(3)" } });
  publish("com.acme.paid");
  for (const count of [1, 2]) {
    await expect.poll(() => host.host.get(ID).state).toBe("crashed");
    expect(host.sandbox.processes).toHaveLength(count);
    publish("com.acme.paid");
    await clock.advance(499);
    expect(host.sandbox.processes).toHaveLength(count);
    await clock.advance(10_000);
    await expect.poll(() => host.sandbox.processes.length).toBe(count + 1);
  }
  await expect.poll(state).toBe("quarantined");
  publish("com.acme.paid");
  await clock.advance(60_000);
  expect(host.sandbox.processes).toHaveLength(3);
});

test("[PL151] a plugin that hears of plugins is not started by news of itself", async () => {
  const type = "io.logomesh.plugin.stopped";
  const { host, bus, publish, state } = await open({
    activation: [`onEvent:${type}`],
    subscribe: [type],
    listens: [type],
  });
  const tell = (subject: string): void => void bus.publish({ type, subject }, { source: "system", isSystem: true });
  tell(ID);
  publish("com.acme.paid");
  expect(host.sandbox.processes).toHaveLength(0);
  tell("org.example.other");
  await expect.poll(state).toBe("ready");
});

test.each<[string, Options, string]>([
  ["listens to what no event would start it for stays", { activation: ["onTool"] }, "ready"],
  ["wants to run from the start stays", { activation: ["onStart"], listens: [] }, "ready"],
  ["would be started again by what it listens to stops", {}, "stopped"],
  ["listens to nothing stops", { listens: [] }, "stopped"],
])("[PL152] a plugin that is idle and %s", async (_what, options, after) => {
  const { host, clock, state } = await open(options);
  await host.host.load(ID, CALLER);
  if (options.listens?.length !== 0) await expect.poll(() => host.audit.kinds()).toContain("host.events_listen");
  await expect.poll(() => host.sandbox.processes.length).toBe(1);
  for (let minutes = 0; minutes < 11; minutes += 5) await clock.advance(5 * 60_000);
  await expect.poll(state).toBe(after);
});

test("[PL152] events and requests count as use", async () => {
  const { clock, publish, heard, state } = await open();
  publish("com.acme.first");
  await expect.poll(state).toBe("ready");
  await expect.poll(heard).toHaveLength(1);
  await clock.advance(4 * 60_000);
  publish("com.acme.second");
  await clock.advance(0);
  await clock.advance(4 * 60_000);
  expect(state()).toBe("ready");
  await clock.advance(60_000);
  await expect.poll(state).toBe("stopped");
});

test("[PL150] after a crash the events that wait start it again when its pause is over", async () => {
  const { host, clock, publish, heard, state } = await open();
  publish("com.acme.first");
  await expect.poll(heard).toHaveLength(1);
  await expect(host.call("crash")).rejects.toMatchObject({ code: "LM_PLUGIN_CRASHED" });
  publish("com.acme.second");
  expect(state()).toBe("crashed");
  await clock.advance(500);
  await expect.poll(state).toBe("ready");
  await expect.poll(heard).toEqual([["com.acme.second", null, 0]]);
});

test("[PL150] an upgrade that is granted hears what waited, an uninstalled plugin is not started", async () => {
  const { host, clock, publish, heard } = await open();
  const data: JsonObject = { order: 7 };
  host.policy.denied.add(`plugin.start ${ID}`);
  publish("com.acme.paid", data);
  await clock.advance(0);
  host.policy.denied.clear();
  await host.host.reload(ID, CALLER);
  await expect.poll(heard).toEqual([["com.acme.paid", data, 0]]);
  await host.host.uninstall(ID, { force: false, caller: CALLER });
  publish("com.acme.paid");
  expect(host.host.list()).toEqual([]);
  expect(host.sandbox.processes).toHaveLength(1);
});
