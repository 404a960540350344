import { spawn } from "node:child_process";
import { once } from "node:events";
import { hashOf, quantile, runPeer, type Benchmark, type Figure } from "./harness.ts";
import {
  measureCalls,
  openPluginWorkbench,
  writeBareServer,
  type CallFigures,
  type EchoPlugin,
  type PluginWorkbench,
} from "./pluginWorkbench.ts";

const STARTS = 15;
const PEER = "MCP client";
/** Room for a megabyte twice: as text and as structured content. */
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

interface Load {
  name: string;
  textBytes: number;
  samples: number;
  calls: number;
  inFlight: number;
}

const LOADS: readonly Load[] = [
  { name: "", textBytes: 5, samples: 2_000, calls: 20_000, inFlight: 32 },
  { name: " of 10 kB", textBytes: 10_000, samples: 1_000, calls: 5_000, inFlight: 32 },
  { name: " of 1 MB", textBytes: 1_000_000, samples: 50, calls: 200, inFlight: 4 },
];
const BUDGETS: Partial<Record<string, { p50MsMax: number; callsPerSecondMin: number }>> = {
  "": { p50MsMax: 0.25, callsPerSecondMin: 23_000 },
};

const BARE_NODE = [process.execPath, "-e", "process.stdout.write('.')"] as const;
const BARE_PYTHON = ["/usr/bin/python3", "-I", "-c", "import sys; sys.stdout.write('.')"] as const;
const PLUGINS: readonly (EchoPlugin & { startMsMax: number; bare: readonly string[] })[] = [
  { id: "org.example.echo-js", runtime: "nodejs", file: "index.mjs", startMsMax: 80, bare: BARE_NODE },
  { id: "org.example.echo-ts", runtime: "nodejs", file: "index.mts", startMsMax: 110, bare: BARE_NODE },
  { id: "org.example.echo-py", runtime: "python", file: "main.py", startMsMax: 80, bare: BARE_PYTHON },
].map((plugin) => ({
  ...plugin,
  runtime: plugin.runtime as EchoPlugin["runtime"],
  messageBytesMax: MESSAGE_BYTES_MAX,
}));
const [JAVASCRIPT] = PLUGINS;

export const benchmark: Benchmark = {
  name: "Plugin calls",
  about:
    "an echo tool in its sandbox, called through policy, limits, validation and the log; the peer is the official MCP client on the same server, bare; first answers against the bare interpreter's first byte",
  async run() {
    await using bench = await openPluginWorkbench(PLUGINS);
    const starts = [];
    for (const plugin of PLUGINS) starts.push(await startFigure(bench, plugin));
    const bare = writeBareServer(bench.folder);
    const answers = new Set<string>();
    const figures: Figure[] = [];
    for (const load of LOADS) figures.push(...(await compare(bench, { load, bare, answers })));
    return {
      parameters: { starts: STARTS, ...Object.fromEntries(LOADS.map(parametersOf)) },
      resultHash: hashOf([...answers]),
      figures: [...figures, ...starts],
    };
  },
};

function parametersOf({ textBytes, samples, calls, inFlight }: Load): [string, string] {
  return [`bytes${textBytes}`, `${samples}+${calls}/${inFlight}`];
}

/** Interleaved, so that both meet the same machine; the last round of each counts, when everything is warm. */
async function compare(
  bench: PluginWorkbench,
  { load, bare, answers }: { load: Load; bare: string; answers: Set<string> },
): Promise<Figure[]> {
  const { name, textBytes, samples, calls, inFlight } = load;
  const text = "x".repeat(textBytes);
  const call = async (): Promise<void> => void answers.add(await bench.call(JAVASCRIPT?.id ?? "", text));
  let pair: { peer: CallFigures; ours: CallFigures } | undefined;
  for (let round = 0; round < 2; round += 1)
    pair = {
      peer: await runPeer<CallFigures>("mcpClient.ts", [calls, inFlight, samples, textBytes, process.execPath, bare]),
      ours: await measureCalls(call, load),
    };
  if (pair === undefined) throw new Error("nothing was measured");
  const { peer, ours } = pair;
  const budget = BUDGETS[name];
  return [
    {
      ...{ name: `call${name} p50`, value: ours.p50Ms, unit: "ms", peer: { name: PEER, value: peer.p50Ms } },
      ...(budget === undefined ? {} : { budget: { max: budget.p50MsMax } }),
    },
    { name: `call${name} p99`, value: ours.p99Ms, unit: "ms", peer: { name: PEER, value: peer.p99Ms } },
    {
      ...{ name: `calls${name}, ${inFlight} in flight`, value: ours.callsPerSecond, unit: "/s" },
      peer: { name: PEER, value: peer.callsPerSecond },
      ...(budget === undefined ? {} : { budget: { min: budget.callsPerSecondMin } }),
    },
  ];
}

/** From the call that starts the plugin to its answer, and from spawning the interpreter alone to its first byte. */
async function startFigure(
  bench: PluginWorkbench,
  { id, startMsMax, bare }: (typeof PLUGINS)[number],
): Promise<Figure> {
  const oursMs: number[] = [];
  const bareMs: number[] = [];
  for (let index = 0; index < STARTS; index += 1) {
    bareMs.push(await timed(() => firstByte(bare)));
    oursMs.push(await timed(() => bench.call(id, "hello")));
    await bench.workbench.plugins.unload(id, bench.caller);
  }
  return {
    ...{ name: `first answer ${id.split("-")[1] ?? ""} p50`, value: quantile(oursMs, 0.5), unit: "ms" },
    budget: { max: startMsMax },
    peer: { name: "ms bare interpreter", value: quantile(bareMs, 0.5) },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

async function firstByte([command = "", ...args]: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
  await once(child.stdout, "data");
}
