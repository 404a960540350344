import type { CallToolResult, JsonObject, PluginManifest } from "@logomesh/contracts";
import { messageOf } from "../../base/index.ts";
import type { Clock, Random } from "../../ports/index.ts";
import { ProcessTaint } from "../hostPlane/processTaint.ts";
import { launchInEra } from "../launchInEra.ts";
import { PluginInstance } from "../pluginInstance.ts";
import type { RuntimeManager } from "../runtimeManager.ts";
import { clientCapabilities } from "../serverRequests.ts";
import { ToolSchemas } from "../toolSchemas.ts";
import { ScriptedHost } from "./scriptedHost.ts";
import { differenceOf, type TestCase } from "./testCases.ts";

const CLIENT = { name: "logomesh-test", version: "1" };

export interface RunTestCasesOptions {
  manifest: PluginManifest;
  bundleFolder: string;
  runtimes: RuntimeManager;
  environment: Record<string, string>;
  clock: Clock;
  random: Random;
  signal: AbortSignal;
  onOutput: (text: string) => void;
}

/**
 * Calls the tools of a plugin that serves as it will when it is installed: same process, same protocol, same sandbox, with a host that
 * answers what each case says.
 * @returns whether everything came out as expected
 */
export async function runTestCases(
  files: readonly { name: string; cases: readonly TestCase[] }[],
  options: RunTestCasesOptions,
): Promise<boolean> {
  const { manifest, signal, onOutput } = options;
  const host = new ScriptedHost(manifest);
  let isPassed = true;
  for (const { name: file, cases } of files) {
    await using started = await startInstance(host, options);
    const { instance } = started;
    for (const each of cases) {
      signal.throwIfAborted();
      const problems = await runCase(each, { host, instance, options });
      signal.throwIfAborted();
      onOutput(`${problems.length === 0 ? "ok" : "not ok"} ${file}: ${each.name}\n`);
      for (const problem of problems) onOutput(`  ${problem}\n`);
      isPassed &&= problems.length === 0;
    }
    if (!isPassed) for (const line of instance.logLines()) onOutput(`  stderr: ${line}\n`);
  }
  return isPassed;
}

async function runCase(
  each: TestCase,
  { host, instance, options }: { host: ScriptedHost; instance: PluginInstance; options: RunTestCasesOptions },
): Promise<string[]> {
  try {
    host.begin({ calls: each.host });
  } catch (error) {
    return [messageOf(error)];
  }
  const outcome = await callTool(each, { instance, options });
  const { problems } = host.end();
  const difference = differenceOf(each, outcome);
  return [...problems, ...(difference === undefined ? [] : [difference])];
}

async function callTool(
  each: TestCase,
  { instance, options }: { instance: PluginInstance; options: RunTestCasesOptions },
): Promise<CallToolResult | { failure: string }> {
  const tool = instance.tools.find(({ name }) => name === each.tool);
  if (tool === undefined) {
    const names = instance.tools.map(({ name }) => name).join(", ");
    return { failure: `${options.manifest.id} has no tool ${each.tool}; it has ${names === "" ? "none" : names}.` };
  }
  try {
    const { signal, manifest } = options;
    const timeoutMs = manifest.resource_limits.call_timeout_ms;
    return await instance.call(tool, each.arguments, {
      ...{ signal, timeoutMs, meta: {}, callers: [], isTainted: false },
    });
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

/** Its process, which ends when it is disposed. */
async function startInstance(
  api: ScriptedHost,
  { manifest, bundleFolder, runtimes, environment, clock, random }: RunTestCasesOptions,
): Promise<AsyncDisposable & { instance: PluginInstance }> {
  const client = { roots: [], hasModels: true, granted: () => manifest.permissions as JsonObject };
  const introduction = { client: CLIENT, capabilities: clientCapabilities(client) };
  const resources = { environment, mounts: {}, isPrivate: false };
  const launched = await launchInEra({
    ...{ pluginId: manifest.id, bundleFolder, clock, introduction, isAlone: false },
    lineBytesMax: manifest.resource_limits.max_message_bytes,
    launch: () => runtimes.start(manifest, { bundleFolder, resources, isOutside: false }),
    eras: { of: () => undefined, remember: () => undefined, forget: () => undefined },
    knownEra: runtimes.isAdapted(manifest) ? "modern" : undefined,
    onDidProbe: () => undefined,
  });
  const instance = new PluginInstance({
    ...{ manifest, introduction, api, clock, random, ...launched, ...client },
    ...{ schemas: new ToolSchemas(), taint: new ProcessTaint(), redact: (text: string) => text },
    onDidChange: () => undefined,
  });
  await using starting = new AsyncDisposableStack();
  starting.defer(() => instance.stop("its tests have ended"));
  await instance.open();
  const stop = starting.move();
  return { instance, [Symbol.asyncDispose]: () => stop.disposeAsync() };
}
