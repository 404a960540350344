import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PluginRuntime } from "@logomesh/contracts";
import {
  createWorkbench,
  initWorkspace,
  loadConfig,
  workspacePaths,
  type Caller,
  type Workbench,
} from "@logomesh/core";
import { quantile } from "./harness.ts";
import { createBenchFolder } from "./workbenchProcess.ts";

// A whole workbench in this process with echo plugins that are granted, and the same server for peers.

const SDK = join(import.meta.dirname, "../plugins/sdk-node");
const WARM_UP_CALLS = 200;
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

export interface EchoPlugin {
  id: string;
  runtime: Exclude<PluginRuntime, "shell">;
  /** Name of the entry point; its ending decides whether it is TypeScript. */
  file: string;
  /** Largest line; default as in a manifest. */
  messageBytesMax?: number;
}

export interface PluginWorkbench extends AsyncDisposable {
  workbench: Workbench;
  caller: Caller;
  /** A folder beside the workspace that goes with it. */
  folder: string;
  call(pluginId: string, text: string): Promise<string>;
}

export async function openPluginWorkbench(plugins: readonly EchoPlugin[]): Promise<PluginWorkbench> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(createBenchFolder());
  const paths = workspacePaths(folder.workspace);
  const environment = { XDG_STATE_HOME: folder.environment.XDG_STATE_HOME };
  await initWorkspace({ root: folder.workspace, environment, logger: QUIET });
  for (const plugin of plugins) writeEchoPlugin(join(paths.plugins, plugin.id), plugin);
  const config = loadConfig({ file: paths.config, environment: {} });
  const workbench = opened.use(await createWorkbench({ root: folder.workspace, config, logger: QUIET, environment }));
  const caller = workbench.access.authenticate(readFileSync(paths.token, "utf8").trim())?.caller;
  if (caller === undefined) throw new Error("the workspace's own token is not known");
  for (const { id } of plugins) await workbench.plugins.grant(id, { sha256: workbench.plugins.get(id).sha256, caller });
  const owned = opened.move();
  const { signal } = new AbortController();
  return {
    ...{ workbench, caller, folder: dirname(folder.workspace) },
    async call(pluginId, text) {
      const params = { arguments: { text } };
      const answer = await workbench.plugins.call({ pluginId, tool: "echo" }, params, { caller, signal });
      return (answer.structuredContent as { text: string }).text;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export function writeEchoPlugin(path: string, { id, runtime, file, messageBytesMax }: EchoPlugin): void {
  mkdirSync(path, { recursive: true });
  const manifest = {
    ...{ id, name: id, version: "1.0.0", description: "Says it back.", runtime, entry_point: file },
    ...{ security_level: "sandbox", tools: { echo: { effect: "pure" } } },
    ...(messageBytesMax === undefined ? {} : { resource_limits: { max_message_bytes: messageBytesMax } }),
  };
  writeFileSync(join(path, "plugin.json"), JSON.stringify(manifest));
  writeFileSync(join(path, file), runtime === "python" ? PYTHON : JAVASCRIPT);
}

/** The same server for the peer, with the SDK where Node.js looks for it. */
export function writeBareServer(folder: string): string {
  const path = join(folder, "bare");
  mkdirSync(join(path, "node_modules/@logomesh"), { recursive: true });
  symlinkSync(SDK, join(path, "node_modules/@logomesh/plugin-sdk"));
  writeFileSync(join(path, "index.mjs"), JAVASCRIPT);
  return join(path, "index.mjs");
}

export interface CallFigures {
  p50Ms: number;
  p99Ms: number;
  callsPerSecond: number;
}

/** One call after the other for the latency, then many at once for the rate. */
export async function measureCalls(
  call: () => Promise<unknown>,
  { samples, calls, inFlight }: { samples: number; calls: number; inFlight: number },
): Promise<CallFigures> {
  for (let index = 0; index < Math.min(WARM_UP_CALLS, samples); index += 1) await call();
  const latenciesMs: number[] = [];
  for (let index = 0; index < samples; index += 1) {
    const startedMs = performance.now();
    await call();
    latenciesMs.push(performance.now() - startedMs);
  }
  let left = calls;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await call();
    }),
  );
  return {
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    callsPerSecond: (calls * 1_000) / (performance.now() - startedMs),
  };
}

function ignore(): void {
  // The benchmarks print figures only.
}
