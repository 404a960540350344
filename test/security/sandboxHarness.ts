import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { ResourceLimitsSchema, type PluginRuntime } from "@logomesh/contracts";
import { systemClock } from "../../core/base/index.ts";
import type { ControlGroup } from "../../core/plugins/sandbox/controlGroup.ts";
import { planLaunch, readRootEntries, type LaunchPlan } from "../../core/plugins/sandbox/launchPlan.ts";
import { createRuntimeFinder } from "../../core/plugins/sandbox/runtimes.ts";
import type { SandboxExit, SandboxProcess, SandboxSpec, SandboxUsage } from "../../core/plugins/sandbox/sandbox.ts";
import { startSandboxProcess } from "../../core/plugins/sandbox/sandboxProcess.ts";
import { seccompProgram } from "../../core/plugins/sandbox/seccomp.ts";
import { createBubblewrapSandbox } from "../../core/plugins/sandbox/bubblewrapSandbox.ts";
import { silentLogger } from "../../core/testing/index.ts";

export const IS_ROOT = process.getuid?.() === 0;
export const sandbox = createBubblewrapSandbox({
  logger: silentLogger,
  clock: systemClock,
  nodePath: process.execPath,
});

/** The same without control groups, whether there are any or not. */
export const watchedSandbox = createBubblewrapSandbox({
  ...{ logger: silentLogger, clock: systemClock, nodePath: process.execPath },
  usesControlGroups: false,
});
const hasGroups = /cgroup/.test(sandbox.status().bounds?.memory ?? "");
/** Both ways to bound a sandbox; tests of one that does not exist here are not run. */
export const BOUNDED_BY = [
  { name: "control groups", box: sandbox, isHere: hasGroups },
  { name: "limits and watchdog", box: watchedSandbox, isHere: true },
];

const ENTRY: Record<PluginRuntime, string> = { nodejs: "main.cjs", python: "main.py", shell: "main.sh" };
const INTERPRETER: Record<PluginRuntime, string[]> = {
  nodejs: [process.execPath],
  python: ["/usr/bin/python3", "-I"],
  shell: ["/usr/bin/bash", "--noprofile", "--norc"],
};

export interface Probe {
  runtime: PluginRuntime;
  source: string;
  /** Further files of the bundle. */
  files?: Readonly<Record<string, string>>;
  limits?: Partial<SandboxSpec["limits"]>;
  /** What else the sandbox is asked for. */
  granted?: Partial<Pick<SandboxSpec, "args" | "environment" | "data" | "pluginId">>;
  readOnlyMounts?: Readonly<Record<string, string>>;
  input?: string;
}

export interface ProbeResult {
  exit: SandboxExit;
  stdout: string;
  stderr: string;
  usage: SandboxUsage;
}

/** A bundle below a folder that only its owner may enter, as every workspace in a test is. */
export function createBundle({ runtime, source, files = {}, limits = {}, readOnlyMounts, granted = {} }: Probe) {
  const base = mkdtempSync(join(tmpdir(), "logomesh-security-"));
  const folder = join(base, "bundle");
  mkdirSync(folder);
  for (const [name, text] of Object.entries({ [ENTRY[runtime]]: source, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }
  chmodSync(folder, 0o755);
  const spec: SandboxSpec = {
    pluginId: "org.example.hostile",
    runtime,
    bundleFolder: folder,
    entryPoint: ENTRY[runtime],
    limits: { ...ResourceLimitsSchema.parse({}), ...limits },
    ...(readOnlyMounts === undefined ? {} : { readOnlyMounts }),
    ...granted,
  };
  return { spec, base, [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }) };
}

/** Runs the probe in the sandbox until it ends. */
export async function runInside(probe: Probe, box = sandbox): Promise<ProbeResult> {
  using bundle = createBundle(probe);
  return await finish(await box.launch(bundle.spec), probe.input);
}

/** The positive control: the same program without a sandbox. */
export function runOutside(probe: Probe, environment: Record<string, string> = {}): string {
  using bundle = createBundle(probe);
  const [file = "", ...args] = INTERPRETER[probe.runtime];
  const { stdout, stderr, error } = spawnSync(file, [...args, join(bundle.spec.bundleFolder, ENTRY[probe.runtime])], {
    env: { PATH: "/usr/bin:/bin", ...environment },
    input: probe.input ?? "",
    encoding: "utf8",
    timeout: 20_000,
  });
  if (error !== undefined) throw error;
  return stdout + stderr;
}

/** The other positive control: the same sandbox with one line of it changed. */
export async function runTampered(
  probe: Probe,
  tamper: { plan?: (plan: LaunchPlan) => LaunchPlan; asRoot?: boolean; extraFds?: number[]; group?: ControlGroup },
): Promise<ProbeResult> {
  using bundle = createBundle(probe);
  const runtime = await createRuntimeFinder({ nodePath: process.execPath, pythonCandidates: ["/usr/bin/python3"] })(
    probe.runtime,
  );
  const plan = planLaunch({
    spec: bundle.spec,
    runtime,
    seccomp: seccompProgram("x64") ?? Buffer.alloc(0),
    bwrapPath: "/usr/bin/bwrap",
    dropToUid: undefined,
    rootEntries: readRootEntries(),
    joinFiles: tamper.group?.joinFiles ?? [],
  });
  // Without the launcher's mounts the bundle must be reachable for the user that bubblewrap runs as.
  chmodSync(bundle.base, 0o755);
  const changed = tamper.plan?.(plan) ?? plan;
  const drop = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
  const command = IS_ROOT && tamper.asRoot !== true ? [...drop, ...changed.command] : changed.command;
  const started = await startSandboxProcess(
    { ...changed, command },
    {
      ...{ clock: systemClock, logger: silentLogger, sourceFds: tamper.extraFds ?? [] },
      ...(tamper.group === undefined ? {} : { group: tamper.group }),
    },
  );
  return await finish(started, probe.input);
}

export async function finish(started: SandboxProcess, input = ""): Promise<ProbeResult> {
  const [stdout, stderr] = [collect(started.stdout), collect(started.stderr)];
  started.stdin.end(input);
  const exit = await started.exited;
  return { exit, stdout: await stdout, stderr: await stderr, usage: started.usage() };
}

async function collect(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += String(chunk);
  return text;
}
