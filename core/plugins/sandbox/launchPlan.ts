import { lstatSync, readlinkSync } from "node:fs";
import type { ResourceLimits } from "@logomesh/contracts";
import { assert } from "../../base/index.ts";
import { bubblewrapOptions, insideCommand, type Mount, type RootEntry } from "./bubblewrapArgs.ts";
import { boundSource, launcherCommand, SOURCES_MAX } from "./launcher.ts";
import type { Runtime } from "./runtimes.ts";
import type { SandboxSpec } from "./sandbox.ts";

/** Everything that starting a sandbox needs, as data. */
export interface LaunchPlan {
  pluginId: string;
  command: readonly string[];
  /** Of the launcher and of bubblewrap: nothing, because a plugin can read bubblewrap's. */
  environment: Readonly<Record<string, string>>;
  /** For `--args`. */
  options: readonly string[];
  seccomp: Buffer;
  /** Host paths whose descriptors the launcher compares with what it mounts; empty unless the host is root. */
  sources: readonly string[];
  limits: ResourceLimits;
  isProxied: boolean;
  data?: { folder: string; bytesMax: number };
}

export interface LaunchPlanInput {
  spec: SandboxSpec;
  runtime: Runtime;
  /** Node for the bridge, where the runtime has it not. */
  bridgeMount?: Mount | undefined;
  seccomp: Buffer;
  bwrapPath: string;
  dropToUid: number | undefined;
  rootEntries: readonly RootEntry[];
  /** Of the sandbox's control group; none where there are no groups. */
  joinFiles?: readonly string[];
}

/** Folders of the sandbox that no mount may replace or lie in: a mount point there would be made in what a plugin wrote. */
const RESERVED = ["/plugin", "/usr", "/proc", "/dev", "/tmp", "/etc", "/runtime", "/run", "/data"];

export function planLaunch(options: LaunchPlanInput): LaunchPlan {
  const { spec, runtime, bridgeMount, seccomp, bwrapPath, dropToUid, rootEntries, joinFiles = [] } = options;
  const extra = Object.entries(spec.readOnlyMounts ?? {}).map(([destination, source]) => ({ source, destination }));
  assertDestinations(extra);
  const wanted = [
    { source: spec.bundleFolder, destination: "/plugin" },
    ...(runtime.mount === undefined ? [] : [runtime.mount]),
    ...(bridgeMount === undefined ? [] : [bridgeMount]),
    ...extra,
    ...(spec.data === undefined ? [] : [{ source: spec.data.folder, destination: "/data", isWritable: true }]),
  ];
  assert(wanted.length <= SOURCES_MAX, `at most ${SOURCES_MAX} folders can be mounted, not ${wanted.length}`);
  const isRoot = dropToUid !== undefined;
  const mounts = isRoot ? wanted.map((mount, index) => ({ ...mount, source: boundSource(index) })) : wanted;
  const sources = isRoot ? wanted.map(({ source }) => source) : [];
  const { interpreter } = runtime;
  const isProxied = spec.network === "proxied";
  const input = { ...spec, interpreter, mounts, rootEntries };
  const bwrapOptions = bubblewrapOptions(input);
  assert(!bwrapOptions.some((option) => option.includes("\0")), "NUL separates the options, so none may contain it");
  return {
    pluginId: spec.pluginId,
    command: launcherCommand({ dropToUid, sources, joinFiles, isProxied, bwrapPath, command: insideCommand(input) }),
    environment: {},
    options: bwrapOptions,
    seccomp,
    sources,
    limits: spec.limits,
    isProxied,
    ...(spec.data === undefined ? {} : { data: spec.data }),
  };
}

/** The host's `/bin`, `/lib` and so on, as links into `/usr` or as folders. */
export function readRootEntries(): RootEntry[] {
  return ["/bin", "/sbin", "/lib", "/lib64", "/lib32"].flatMap((path) => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return [];
    return [{ path, linkTarget: stats.isSymbolicLink() ? readlinkSync(path) : undefined }];
  });
}

function assertDestinations(mounts: readonly Mount[]): void {
  const taken = [...RESERVED];
  for (const { destination } of mounts) {
    assert(
      /^(\/[\w@.-]+)+$/.test(destination) && !destination.includes("/.."),
      `"${destination}" is no path to mount at`,
    );
    const clash = taken.find(
      (other) => `${destination}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${destination}/`),
    );
    assert(
      clash === undefined,
      `"${destination}" would overlap "${clash ?? ""}"; mount SDKs below /node_modules or /sdk`,
    );
    taken.push(destination);
  }
}
