import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import type { RootEntry } from "./bubblewrapArgs.ts";
import type { ControlGroups } from "./controlGroups.ts";
import type { SandboxBounds, SandboxStatus } from "./sandbox.ts";
import { seccompProgram } from "./seccomp.ts";

/** What the sandbox depends on; the values of `process`, unless a test says otherwise. */
export interface HostFacts {
  platform: NodeJS.Platform;
  arch: NodeJS.Architecture;
  /** Undefined where there are none. */
  uid: number | undefined;
}

const PROBE_TIMEOUT_MS = 5000;
const TOOLS: Readonly<Record<string, string>> = {
  "/usr/bin/bash": "bash",
  "/usr/bin/cat": "coreutils",
  "/usr/bin/sleep": "coreutils",
  "/usr/bin/mount": "mount",
  "/usr/bin/unshare": "util-linux",
  "/usr/bin/setpriv": "util-linux",
};

export interface ProbeOptions {
  host: HostFacts;
  bwrapPath: string;
  dropToUid: number | undefined;
  rootEntries: readonly RootEntry[];
}

/** Whether a sandbox can be built here; starts an empty one to find out, which takes some 10 ms. */
export function probeSandbox(options: ProbeOptions): SandboxStatus {
  const hint = findObstacle(options);
  if (hint !== undefined) return { available: false, kind: "none", hint };
  return { available: true, kind: "bubblewrap" };
}

/** What keeps each bound, in a few words. */
export function describeBounds({ memory, processes, cpu }: SandboxBounds): string {
  const cpuTime = cpu === "none" ? "CPU time not bounded" : `CPU time by ${cpu}`;
  return `memory by ${memory}, processes by ${processes}, ${cpuTime}`;
}

/** @param groups those that are used, or why there are none */
export function boundsOf(groups: ControlGroups | string): SandboxBounds {
  if (typeof groups === "string") {
    const hint = `Memory is looked at several times a second and CPU time is not bounded, because ${groups}. The kernel bounds both in control groups: start the workbench by systemd-run --user --scope, or as a systemd service with Delegate=yes; in a container, with a writable /sys/fs/cgroup.`;
    return { memory: "watchdog", processes: "rlimit", cpu: "none", hint };
  }
  const { version, controllers } = groups;
  const group = `cgroup v${version}` as const;
  return { memory: group, processes: group, cpu: controllers.includes("cpu") ? group : "none" };
}

function findObstacle({ host, bwrapPath, dropToUid, rootEntries }: ProbeOptions): string | undefined {
  if (host.platform !== "linux") {
    return `Sandboxed plugins run on Linux only, this is ${host.platform}: run LogoMesh on Linux, in a virtual machine or in WSL 2.`;
  }
  if (seccompProgram(host.arch) === undefined) {
    return `Sandboxed plugins run on x86-64 only so far, this is ${host.arch}: no system-call filter was written and tested for it.`;
  }
  const missing = Object.entries({ [bwrapPath]: "bubblewrap", ...TOOLS }).filter(([path]) => !existsSync(path));
  if (missing.length > 0) {
    const [paths, packages] = [0, 1].map((column) => [...new Set(missing.map((row) => row[column]))].join(" "));
    return `Missing here: ${paths ?? ""}. Install: apt-get install ${packages ?? ""}`;
  }
  if ((statSync(bwrapPath).mode & 0o4000) !== 0) {
    return `${bwrapPath} is setuid, which is unsafe: chmod u-s ${bwrapPath}`;
  }
  return tryEmptySandbox({ bwrapPath, dropToUid, rootEntries });
}

function tryEmptySandbox(options: Omit<ProbeOptions, "host">): string | undefined {
  const { bwrapPath, dropToUid, rootEntries } = options;
  const links = rootEntries.flatMap(({ path, linkTarget }) =>
    linkTarget === undefined ? ["--ro-bind", path, path] : ["--symlink", linkTarget, path],
  );
  const drop = ["/usr/bin/setpriv", "--reuid", String(dropToUid), "--regid", String(dropToUid), "--clear-groups", "--"];
  const [file = "", ...args] = [
    ...(dropToUid === undefined ? [] : drop),
    ...[
      bwrapPath,
      "--unshare-user",
      "--unshare-pid",
      "--unshare-net",
      "--unshare-ipc",
      "--unshare-uts",
      "--disable-userns",
    ],
    ...[
      "--die-with-parent",
      "--ro-bind",
      "/usr",
      "/usr",
      ...links,
      "--proc",
      "/proc",
      "--dev",
      "/dev",
      "--",
      "/usr/bin/true",
    ],
  ];
  const { status, stderr, error } = spawnSync(file, args, {
    env: {},
    cwd: "/",
    encoding: "utf8",
    timeout: PROBE_TIMEOUT_MS,
  });
  if (status === 0) return undefined;
  const why = error?.message ?? stderr.trim();
  return `bubblewrap could not build a sandbox (${why}): allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, an AppArmor profile for ${bwrapPath}) or, in a container, run it with the capability to mount.`;
}
