import { fileURLToPath } from "node:url";
import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import type { Thoughts } from "../../ports/index.ts";
import { createPolicy } from "../../policy/index.ts";
import { silentLogger } from "../../testing/index.ts";
import { PluginHost } from "../pluginHost.ts";
import { ASKING } from "./testing/askingPlugin.ts";
import { CALLER, TestHost } from "../testingHost.ts";

const CONSTITUTION = fileURLToPath(new URL("../../../templates/workspace/constitution.cedar", import.meta.url));
const id = (name: string): string => `org.example.${name}`;
const why = "for the test";

const NO_THOUGHTS: Thoughts = {
  search: () => Promise.resolve([]),
  get: () => Promise.reject(new Error("there are none")),
  create: () => Promise.reject(new Error("there are none")),
};

interface Open {
  host: PluginHost;
  test: TestHost;
  ask: (
    plugin: string,
    args: JsonObject,
  ) => Promise<{ result?: JsonObject; error?: { code: number; data: JsonObject } }>;
}

/** Plugins of that kind, each with what it was granted, and the policy of the workbench. */
async function open(granted: Record<string, JsonObject>): Promise<Open> {
  const test = new TestHost();
  onTestFinished(() => test[Symbol.asyncDispose]());
  for (const name of Object.keys(granted)) test.write(name, { manifest: { id: id(name) }, files: ASKING });
  const policy = createPolicy({
    constitutionPath: CONSTITUTION,
    grants: {
      workflowGrants: () => [],
      listGrants: () => ({ plugins: [], workflows: [] }),
      pluginGrant: (pluginId) => test.grants.plugins.get(pluginId),
      onDidChange: () => ({ [Symbol.dispose]: () => undefined }),
    },
    scopesOf: () => ["admin"],
    audit: test.audit,
    logger: silentLogger,
  });
  const { store } = test.options;
  const host = await PluginHost.open({ ...test.options, policy, services: { store, thoughts: NO_THOUGHTS } });
  onTestFinished(() => host[Symbol.asyncDispose]());
  for (const { id: pluginId, sha256 } of host.list()) {
    const permissions = granted[pluginId.replace("org.example.", "")] ?? {};
    await test.grants.grantPlugin({ pluginId, sha256, group: "user", permissions, grantedBy: "person:tester" });
  }
  const ask: Open["ask"] = async (plugin, args) => {
    const answer = await host.call(
      { pluginId: id(plugin), tool: "ask" },
      { arguments: args, timeoutMs: 20_000 },
      { caller: CALLER, signal: new AbortController().signal },
    );
    return answer.structuredContent as Awaited<ReturnType<Open["ask"]>>;
  };
  return { host, test, ask };
}

const may = (...targets: string[]): JsonValue => targets.map((target) => ({ target: `${id(target)}#ask`, why }));
/** Asks the plugin to ask the next one, and so on; the last asks for `tool`. */
const through = (plugins: string[], tool: string, args: JsonObject): JsonObject =>
  plugins.reduceRight<JsonObject>(
    (inner, plugin) => ({ tool: "plugin_call", args: { plugin: id(plugin), tool: "ask", arguments: inner } }),
    { tool, args },
  );
const inner = (asked: JsonObject): JsonObject => (asked.args as JsonObject).arguments as JsonObject;
const denials = (test: TestHost) =>
  test.audit.entries.filter(({ kind }) => kind === "policy.denied").map(({ data }) => data?.reason);

test("[HP10] [HP14] a plugin that a plugin calls answers, and a plugin that never touches the plane works", async () => {
  const { ask, test } = await open({
    first: { "plugin.call": may("second") },
    second: { store: { max_bytes: 1_000, why } },
  });
  const inner = { tool: "store_put", args: { key: "k", value: [1] } };
  const answer = await ask("first", through(["second"], inner.tool, inner.args));
  expect(answer).toMatchObject({
    result: { structuredContent: { structuredContent: { result: { isError: false } } } },
  });
  expect((await test.options.store.get(id("second"), "k")).value).toEqual([1]);
  expect(test.audit.kinds()).toEqual(
    expect.arrayContaining(["plugin.started", "host.store_put", "host.plugin_call", "plugin.called"]),
  );
});

test("[HP14] a plugin without a permission does not get it from one that has it", async () => {
  const { ask, test } = await open({
    deputy: { "thought.read": { why } },
    poor: { "plugin.call": may("deputy") },
    rich: { "plugin.call": may("deputy"), "thought.read": { why } },
  });
  const search = through(["deputy"], "thought_search", { text: "x" });
  expect(await ask("deputy", { tool: "thought_search", args: {} })).toMatchObject({
    result: { structuredContent: { thoughts: [] } },
  });
  expect(JSON.stringify(await ask("rich", search))).toContain('"thoughts":[]');
  expect(JSON.stringify(await ask("poor", search))).toContain('"code":4030');
  // Nor by naming a call of somebody else, or none.
  for (const token of ["none", "last"])
    expect(
      JSON.stringify(
        await ask("poor", {
          ...search,
          args: { ...(search.args as JsonObject), arguments: { ...inner(search), token } },
        }),
      ),
    ).toContain('"code":4030');
  expect(new Set(denials(test))).toEqual(
    new Set([expect.stringContaining(`The plugin ${id("poor")} has no permission for thought.read`)]),
  );
});

test("[HP14] plugins never call each other in a circle, and not themselves", async () => {
  const { ask, test } = await open({ a: { "plugin.call": may("a", "b") }, b: { "plugin.call": may("a") } });
  expect(JSON.stringify(await ask("a", through(["a"], "store_list", {})))).toContain("4030");
  expect(JSON.stringify(await ask("a", through(["b", "a"], "store_list", {})))).toContain("4030");
  expect(denials(test)).toEqual([expect.stringContaining("circle"), expect.stringContaining("circle")]);
});

test("[HP14] chains are at most four deep", async () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const { ask, test } = await open(
    Object.fromEntries(
      names.map((name, at) => [name, { "plugin.call": may(...names.slice(at + 1)), store: { max_bytes: 9, why } }]),
    ),
  );
  expect(JSON.stringify(await ask("a", through(["b", "c", "d", "e"], "store_list", {})))).toContain('"keys":[]');
  expect(JSON.stringify(await ask("a", through(["b", "c", "d", "e", "f"], "store_list", {})))).toContain("4030");
  expect(denials(test)).toEqual(["The call is 5 deep; at most 4 are allowed."]);
});

test("[HP16] what a plugin read taints those that it answers", async () => {
  const { ask, test } = await open({
    reader: { "thought.read": { why } },
    asker: { "plugin.call": may("reader"), "thought.read": { why }, store: { max_bytes: 100, why } },
  });
  await ask("asker", { tool: "store_get", args: { key: "before" } });
  await ask("reader", { tool: "thought_search" });
  await ask("asker", through(["reader"], "plugin_call", {}));
  await ask("asker", { tool: "store_get", args: { key: "after" } });
  const reads = test.audit.entries.filter(({ kind }) => kind === "host.store_get");
  expect(reads.map(({ data }) => [data?.key, data?.tainted])).toEqual([
    ["before", undefined],
    ["after", true],
  ]);
});

test("[HP7] [HP8] what breaks the plane ends the plugin, and its call says why", async () => {
  const { ask, host } = await open({ a: {} });
  for (const [raw, times, reason] of [
    ["nonsense\n", 30, "break the protocol"],
    ["x".repeat(1_000), 2_000, "a line of more than"],
    [`${"[".repeat(80)}\n`, 1, "nested more than"],
    ['{"jsonrpc":"2.0","method":"notifications/x"}\n', 20_000, "more than anybody could answer"],
  ] as const) {
    await ask("a", { raw, times }).catch((error: unknown) => {
      expect(error).toMatchObject({ code: "LM_PLUGIN_PROTOCOL", message: expect.stringContaining(reason) });
    });
    await expect.poll(() => host.get(id("a")).state).toMatch(/crashed|quarantined/);
    expect(host.get(id("a")).stateReason).toContain(reason);
    await host.release(id("a"), CALLER);
  }
});

test("[HP10] a plugin that closes the plane goes on answering", async () => {
  const { ask, host } = await open({ a: {} });
  expect(await ask("a", { close: true })).toBeUndefined();
  expect(await ask("a", { close: true })).toBeUndefined();
  expect(host.get(id("a")).state).toBe("ready");
});
