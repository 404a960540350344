import type {
  LogoMeshError,
  Plugin,
  PluginManifest,
  PluginState,
  PluginTool,
  WaitingPlugin,
} from "@logomesh/contracts";
import type { PluginGrant } from "../ports/index.ts";
import type { Outside } from "./confinement.ts";
import type { CrashRecord } from "./crashRecord.ts";
import type { Obstacle } from "./installedPlugin.ts";
import type { LatencySample } from "./latencySample.ts";
import type { ChangesSinceGrant } from "./pluginChanges.ts";
import type { PluginExecutionLimiter } from "./pluginExecutionLimiter.ts";
import type { PluginInstance } from "./pluginInstance.ts";
import { describeCommand } from "./runtimeManager.ts";
import type { ToolApproval } from "./toolApproval.ts";
import { effectOf } from "./toolList.ts";

// What people and programs are shown of a plugin.

/** A plugin as it is now. */
export interface PluginSnapshot {
  manifest: PluginManifest;
  sha256: string;
  isDevelopment: boolean;
  /** Whichever version it names. */
  grant: PluginGrant | undefined;
  obstacle: Obstacle | undefined;
  state: PluginState;
  reason: string | undefined;
  instance: PluginInstance | undefined;
  outside: Outside | undefined;
  isGrantedOutside: boolean;
  tools: ToolApproval;
  changes: ChangesSinceGrant;
  limiter: PluginExecutionLimiter;
  crashes: CrashRecord;
  latencies: LatencySample;
  /** Of all its processes; violations of those that ended. */
  counts: { calls: number; errors: number; violations: number };
  /** What takes its place when it is granted. */
  waiting: { describeWaiting(): WaitingPlugin | undefined } | undefined;
  problem: LogoMeshError | undefined;
  privateData: Plugin["privateData"];
  pinned?: Plugin["pinned"];
}

export function describePlugin(snapshot: PluginSnapshot): Plugin {
  const { manifest, sha256, grant, instance, counts, tools, waiting, problem, privateData, pinned } = snapshot;
  const shownTools = tools.shown(instance);
  const { memoryBytes = 0, processes = 0, cpuPercent = 0 } = instance?.usage() ?? {};
  return {
    ...{ id: manifest.id, name: manifest.name, version: manifest.version, description: manifest.description },
    ...{ runtime: manifest.runtime, securityLevel: manifest.security_level, sha256 },
    ...describeState(snapshot),
    ...describeOutside(snapshot),
    group: grant?.group ?? "user",
    granted: grant?.sha256 === sha256,
    enabled: snapshot.obstacle?.state !== "disabled",
    command: describeCommand(manifest),
    ...{ dependencies: manifest.dependencies, activation: manifest.activation },
    development: snapshot.isDevelopment,
    ...snapshot.changes.of(grant),
    ...(waiting === undefined ? {} : { waiting: waiting.describeWaiting() }),
    ...(problem === undefined ? {} : { problem: problem.toProblem() }),
    ...(pinned === undefined ? {} : { pinned }),
    permissions: manifest.permissions,
    limits: manifest.resource_limits,
    tools: shownTools.length > 0 ? [...shownTools] : namedTools(manifest),
    ...(tools.changes === undefined ? {} : { toolChanges: tools.changes }),
    usage: {
      ...{ memoryBytes, processes, cpuPercent: Math.round(cpuPercent) },
      ...{ ...counts, violations: counts.violations + (instance?.violations ?? 0) },
      ...snapshot.latencies.describe(),
    },
    limiter: snapshot.limiter.describe(),
    ...(privateData === undefined ? {} : { privateData }),
    ...(snapshot.crashes.last === undefined ? {} : { lastCrash: snapshot.crashes.last }),
  };
}

/** As what a person may grant in the place of what serves. */
export function describeWaiting(snapshot: PluginSnapshot): WaitingPlugin | undefined {
  const { manifest, sha256, grant } = snapshot;
  const { version, description, permissions, resource_limits: limits } = manifest;
  const { changes } = snapshot.changes.of(grant);
  if (changes === undefined) return undefined;
  return {
    ...{ version, sha256, description, permissions, limits, changes },
    command: describeCommand(manifest),
    tools: namedTools(manifest),
    ...describeOutside(snapshot),
  };
}

/** Why this content may not run, and what to do; for one that is not what was granted. */
export function missingGrant(grant: PluginGrant | undefined, sha256: string): string {
  return grant === undefined
    ? "it was never granted. Review what it asks for and grant it."
    : `another content of it was granted (${grant.sha256.slice(0, 12)}…, this one is ${sha256.slice(0, 12)}…). Review and grant it again.`;
}

function describeState(snapshot: PluginSnapshot): Pick<Plugin, "state" | "stateReason"> {
  const { state, reason, obstacle, grant, sha256, instance } = snapshot;
  if (state === "stopped" || state === "blocked") {
    if (obstacle !== undefined) return { state: obstacle.state, stateReason: obstacle.error.message };
    if (grant?.sha256 !== sha256 && state === "stopped")
      return { state: "blocked", stateReason: missingGrant(grant, sha256) };
  }
  if (instance?.isUnresponsive === true)
    return { state: "unresponsive", stateReason: "It said nothing for 3 s while a call waits." };
  const changed = instance?.changedTools.map(({ name }) => name).join(", ") ?? "";
  if (changed !== "")
    return {
      state,
      stateReason: `It says something new about ${changed}, which cannot be called until it is granted again.`,
    };
  return { state, ...(reason === undefined ? {} : { stateReason: reason }) };
}

function describeOutside({ outside, isGrantedOutside }: PluginSnapshot): Pick<Plugin, "sandboxed" | "outside"> {
  return outside === undefined
    ? { sandboxed: true }
    : { sandboxed: false, outside: { ...outside, granted: isGrantedOutside } };
}

function namedTools(manifest: PluginManifest): PluginTool[] {
  return Object.keys(manifest.tools).map((name) => ({ name, effect: effectOf(manifest, name) }));
}
