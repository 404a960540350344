import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  createWorkbench,
  initWorkspace,
  loadConfig,
  workspacePaths,
  type Caller,
  type Workbench,
} from "@logomesh/core";
import { hashOf, quantile, runPeer, type Benchmark, type Figure } from "./harness.ts";
import { createBenchFolder } from "./workbenchProcess.ts";

const CALLS = 20_000;
const IN_FLIGHT = 32;
const STARTS = 15;
const REPOSITORY = join(import.meta.dirname, "..");
const SDK = join(REPOSITORY, "plugins/sdk-node");

const QUIET = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => QUIET };
const JAVASCRIPT = `
import { definePlugin, s } from "@logomesh/plugin-sdk";
const plugin = definePlugin({ name: "echo", version: "1.0.0" });
plugin.tool("echo", {
  description: "Says it back.",
  effect: "pure",
  input: s.object({ text: s.string() }),
  output: s.object({ text: s.string() }),
  handler: ({ text }) => ({ text }),
});
await plugin.serve();
`;
const PYTHON = `
from typing import TypedDict
from logomesh import Plugin
plugin = Plugin("echo", "1.0.0")
class Echo(TypedDict):
    text: str
@plugin.tool(effect="pure")
def echo(text: str) -> Echo:
    """Says it back."""
    return {"text": text}
plugin.serve()
`;

const PLUGINS = [
  { id: "org.example.echo-js", runtime: "nodejs", file: "index.mjs", source: JAVASCRIPT, startMsMax: 80 },
  { id: "org.example.echo-ts", runtime: "nodejs", file: "index.mts", source: JAVASCRIPT, startMsMax: 110 },
  { id: "org.example.echo-py", runtime: "python", file: "main.py", source: PYTHON, startMsMax: 80 },
] as const;

interface Target {
  pluginId: string;
  caller: Caller;
}

interface PeerResult {
  p50Ms: number;
  p99Ms: number;
  callsPerSecond: number;
}

export const benchmark: Benchmark = {
  name: "Plugin calls",
  about:
    "an echo tool in its sandbox, called through policy, limits, validation and the log; the peer is the official MCP client on the same server, bare",
  async run() {
    using folder = createBenchFolder();
    const paths = workspacePaths(folder.workspace);
    const environment = { XDG_STATE_HOME: folder.environment.XDG_STATE_HOME };
    await initWorkspace({ root: folder.workspace, environment, logger: QUIET });
    for (const plugin of PLUGINS) writePlugin(join(paths.plugins, plugin.id), plugin);
    const config = loadConfig({ file: paths.config, environment: {} });
    await using workbench = await createWorkbench({ root: folder.workspace, config, logger: QUIET, environment });
    const caller = workbench.access.authenticate(readFileSync(paths.token, "utf8").trim())?.caller;
    if (caller === undefined) throw new Error("the workspace's own token is not known");
    for (const { id } of PLUGINS) {
      const { sha256 } = workbench.plugins.get(id);
      await workbench.plugins.grant(id, { sha256, caller });
    }
    const starts: Figure[] = [];
    for (const { id, startMsMax } of PLUGINS)
      starts.push({
        name: `first answer ${id.split("-")[1] ?? ""} p50`,
        value: await medianStartMs(workbench, { pluginId: id, caller }),
        unit: "ms",
        budget: { max: startMsMax },
      });
    const bare = barePlugin(folder.workspace);
    // Interleaved, so that both meet the same machine; the last round of each counts, when everything is warm.
    let peer: PeerResult | undefined;
    let ours: Awaited<ReturnType<typeof measure>> | undefined;
    for (let round = 0; round < 2; round += 1) {
      peer = await runPeer<PeerResult>("mcpClient.ts", [CALLS, IN_FLIGHT, process.execPath, bare]);
      ours = await measure(workbench, { pluginId: PLUGINS[0].id, caller });
    }
    if (peer === undefined || ours === undefined) throw new Error("nothing was measured");
    return {
      parameters: { calls: CALLS, inFlight: IN_FLIGHT, starts: STARTS },
      resultHash: hashOf(ours.answers),
      figures: [
        {
          name: "call p50",
          value: ours.p50Ms,
          unit: "ms",
          budget: { max: 0.25 },
          peer: { name: "MCP client", value: peer.p50Ms },
        },
        { name: "call p99", value: ours.p99Ms, unit: "ms", peer: { name: "MCP client", value: peer.p99Ms } },
        {
          name: `calls, ${IN_FLIGHT} in flight`,
          value: ours.callsPerSecond,
          unit: "/s",
          budget: { min: 23_000 },
          peer: { name: "MCP client", value: peer.callsPerSecond },
        },
        ...starts,
      ],
    };
  },
};

async function measure(workbench: Workbench, { pluginId, caller }: Target) {
  const answers = new Set<unknown>();
  const { signal } = new AbortController();
  const call = async (): Promise<void> => {
    const { structuredContent } = await workbench.plugins.call(
      { pluginId, tool: "echo" },
      { arguments: { text: "hello" } },
      { caller, signal },
    );
    answers.add(JSON.stringify(structuredContent));
  };
  for (let index = 0; index < 200; index += 1) await call();
  const latenciesMs: number[] = [];
  for (let index = 0; index < 2_000; index += 1) {
    const startedMs = performance.now();
    await call();
    latenciesMs.push(performance.now() - startedMs);
  }
  let left = CALLS;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (left-- > 0) await call();
    }),
  );
  return {
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    callsPerSecond: (CALLS * 1_000) / (performance.now() - startedMs),
    answers: [...answers],
  };
}

/** From the call that starts the plugin to its answer. */
async function medianStartMs(workbench: Workbench, { pluginId, caller }: Target): Promise<number> {
  const samples: number[] = [];
  for (let index = 0; index < STARTS; index += 1) {
    const startedMs = performance.now();
    await workbench.plugins.call(
      { pluginId, tool: "echo" },
      { arguments: { text: "hello" } },
      { caller, signal: new AbortController().signal },
    );
    samples.push(performance.now() - startedMs);
    await workbench.plugins.unload(pluginId, caller);
  }
  return quantile(samples, 0.5);
}

function writePlugin(path: string, { id, runtime, file, source }: (typeof PLUGINS)[number]): void {
  mkdirSync(path, { recursive: true });
  const manifest = {
    ...{ id, name: id, version: "1.0.0", description: "Says it back.", runtime, entry_point: file },
    ...{ security_level: "sandbox", tools: { echo: { effect: "pure" } } },
  };
  writeFileSync(join(path, "plugin.json"), JSON.stringify(manifest));
  writeFileSync(join(path, file), source);
}

/** The same server for the peer, with the SDK where Node.js looks for it. */
function barePlugin(workspace: string): string {
  const path = join(dirname(workspace), "bare");
  mkdirSync(join(path, "node_modules/@logomesh"), { recursive: true });
  symlinkSync(SDK, join(path, "node_modules/@logomesh/plugin-sdk"));
  writeFileSync(join(path, "index.mjs"), JAVASCRIPT);
  return join(path, "index.mjs");
}

function ignore(): void {
  // The benchmark prints figures only.
}
