import { spawn, type ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@logomesh/contracts/client";
import { hashOf, quantile, type Benchmark } from "./harness.ts";
import { writeBareServer, writeEchoPlugin, type EchoPlugin } from "./pluginWorkbench.ts";
import {
  createBenchFolder,
  initWorkspace,
  residentBytes,
  startWorkbench,
  type WorkbenchProcess,
} from "./workbenchProcess.ts";

const INSTALLED = 50;
const ACTIVE = 20;
const STARTS = 5;
/** As for the start-up benchmark: the log is verified, threads end, V8 gives back what it does not need. */
const REST_MS = 40_000;
const IDLE_MS = 10_000;
const PLUGINS: readonly EchoPlugin[] = Array.from({ length: INSTALLED }, (_, index) => ({
  ...{ id: `org.example.echo-${index}`, runtime: "nodejs", file: "index.mjs" },
}));

export const benchmark: Benchmark = {
  name: "Many plugins",
  about:
    "50 installed plugins, 20 of them running: what they cost the workbench at start and at rest; the peers are the same workbench without them, and the same server run bare",
  async run() {
    using folder = createBenchFolder();
    await initWorkspace(folder);
    const plugins = join(folder.workspace, "plugins");
    rmSync(plugins, { recursive: true });
    const withoutMs = await startsMs(folder);
    for (const plugin of PLUGINS) writeEchoPlugin(join(plugins, plugin.id), plugin);
    const withMs = await startsMs(folder);
    await using workbench = await startWorkbench(folder);
    const answers = await callEach(workbench, PLUGINS.slice(0, 1));
    await rest(REST_MS);
    const [before, idleBefore] = [workbench.memoryBytes(), await idlePercent(workbench)];
    answers.push(...(await callEach(workbench, PLUGINS.slice(1, ACTIVE))));
    await rest(REST_MS);
    const [after, idleAfter] = [workbench.memoryBytes(), await idlePercent(workbench)];
    return {
      parameters: { installed: INSTALLED, active: ACTIVE, starts: STARTS, restMs: REST_MS, idleMs: IDLE_MS },
      resultHash: hashOf(answers),
      figures: [
        {
          ...{
            name: `ready with ${INSTALLED} installed p50`,
            value: quantile(withMs, 0.5),
            unit: "ms",
            budget: { max: 500 },
          },
          peer: { name: "ms without plugins", value: quantile(withoutMs, 0.5) },
        },
        {
          ...{ name: `workbench with ${ACTIVE} running`, value: after / 1e6, unit: "MB" },
          peer: { name: "MB with one running", value: before / 1e6 },
        },
        { name: "of it for each further plugin", value: (after - before) / (ACTIVE - 1) / 1e6, unit: "MB" },
        {
          ...{ name: `idle CPU with ${ACTIVE} running`, value: idleAfter, unit: "% of a core" },
          peer: { name: "% with one running", value: Math.max(idleBefore, 0.01) },
        },
        {
          ...{
            name: "resident memory of one plugin's program",
            value: workbench.childBytes() / ACTIVE / 1e6,
            unit: "MB",
          },
          peer: { name: "MB bare", value: (await bareBytes(folder.workspace)) / 1e6 },
        },
      ],
    };
  },
};

async function startsMs(folder: Parameters<typeof startWorkbench>[0]): Promise<number[]> {
  const readyMs: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    await using workbench = await startWorkbench(folder);
    readyMs.push(workbench.readyMs);
  }
  // The first staged the bundles.
  return readyMs.slice(1);
}

async function callEach({ url, token }: WorkbenchProcess, plugins: readonly EchoPlugin[]): Promise<unknown[]> {
  const client = createClient({ baseUrl: url, token });
  const answers: unknown[] = [];
  for (const { id } of plugins) {
    const { sha256 } = await client.getPlugin({ params: { id } });
    await client.grantPlugin({ params: { id }, body: { sha256 } });
    const answer = await client.callTool({ params: { id, tool: "echo" }, body: { arguments: { text: "hello" } } });
    answers.push(answer.structuredContent);
  }
  return answers;
}

async function idlePercent(workbench: WorkbenchProcess): Promise<number> {
  const [startedMs, before] = [performance.now(), workbench.cpuMs()];
  await rest(IDLE_MS);
  return (100 * (workbench.cpuMs() - before)) / (performance.now() - startedMs);
}

async function bareBytes(workspace: string): Promise<number> {
  const child = spawn(process.execPath, [writeBareServer(join(workspace, ".."))], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  await answerOf(child, {
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } },
  });
  await answerOf(child, { id: 2, method: "tools/call", params: { name: "echo", arguments: { text: "hello" } } });
  const bytes = residentBytes(child.pid ?? 0);
  child.kill();
  return bytes;
}

function answerOf(child: ChildProcess, message: object): Promise<unknown> {
  child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  return new Promise((resolve) => child.stdout?.once("data", resolve));
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
