import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../../base/index.ts";
import type { Clock } from "../../ports/index.ts";
import { ControlGroup } from "./controlGroup.ts";
import {
  groupSettings,
  parseHierarchies,
  type Controller,
  type GroupLimits,
  type GroupVersion,
  type Hierarchy,
} from "./controlGroupFiles.ts";

// Where groups can be made: below the nearest group above this process that hands down memory and pids and may be written (version 2), or
// below its own in each hierarchy (version 1). Each sandbox gets one, in a folder whose name says which process made it, so that a later
// workbench can tell what was left behind from what is in use.

/** Without these two a group bounds too little to be worth its cost. */
const NEEDED: readonly Controller[] = ["memory", "pids"];
const WANTED_V1: readonly Controller[] = [...NEEDED, "cpu", "cpuacct"];
const WANTED_V2: readonly Controller[] = [...NEEDED, "cpu"];
const PROBE_TIMEOUT_MS = 5000;
const PROBE_LIMITS: GroupLimits = { memoryBytes: 64 * 1024 * 1024, tasks: 8, cpuPercent: 100 };
/** A look for what others left behind goes no deeper and no wider. */
const SWEEP_DEPTH_MAX = 8;
const SWEEP_FOLDERS_MAX = 4000;
/** PID namespace, process, start of the process in ticks since boot; then six characters that mkdtemp chose. */
const NAME = /^logomesh-(\d+)-(\d+)-(\d+)-[A-Za-z0-9]{6}$/;

export interface ControlGroups {
  readonly version: GroupVersion;
  readonly controllers: readonly Controller[];
  /** @throws Error of the file system */
  create(limits: GroupLimits): ControlGroup;
}

/** Groups for sandboxes, after removing those of dead workbenches; or why there are none, as the end of a sentence. */
export function findControlGroups({ clock }: { clock: Clock }): ControlGroups | string {
  let hierarchies: Hierarchy[];
  try {
    const [mountInfo, ownGroups] = ["/proc/self/mountinfo", "/proc/self/cgroup"].map((path) =>
      readFileSync(path, "utf8"),
    );
    hierarchies = parseHierarchies(mountInfo ?? "", ownGroups ?? "");
  } catch (error) {
    return messageOf(error);
  }
  const parents = findParents(hierarchies);
  if (parents === undefined) return "no group with memory and pids may be written here";
  sweep(hierarchies.map(({ mountPoint }) => mountPoint));
  const groups: ControlGroups = {
    version: parents.version,
    controllers: [...parents.folders.keys()],
    create: (limits) => createGroup(parents, limits),
  };
  return tryGroup(groups, clock) ?? groups;
}

/** Folders below which groups can be made, one for each controller. */
interface Parents {
  version: GroupVersion;
  folders: ReadonlyMap<Controller, string>;
}

export function findParents(hierarchies: readonly Hierarchy[]): Parents | undefined {
  const unified = hierarchies.find(({ version }) => version === 2);
  const delegated = unified === undefined ? undefined : findDelegated(unified);
  if (delegated !== undefined) return { version: 2, folders: delegated };
  const folders = new Map<Controller, string>();
  for (const controller of WANTED_V1) {
    const found = hierarchies.find(({ version, controllers }) => version === 1 && controllers.includes(controller));
    if (found !== undefined && isWritable(found.ownFolder)) folders.set(controller, found.ownFolder);
  }
  return NEEDED.every((controller) => folders.has(controller)) ? { version: 1, folders } : undefined;
}

/** Groups with processes cannot hand controllers down, so it is most often the one above this process's own. */
function findDelegated({ ownFolder, mountPoint }: Hierarchy): ReadonlyMap<Controller, string> | undefined {
  for (let folder = ownFolder; `${folder}/`.startsWith(`${mountPoint}/`); folder = dirname(folder)) {
    if (!isWritable(folder)) continue;
    const handedDown = handDown(folder);
    if (NEEDED.every((controller) => handedDown.includes(controller)))
      return new Map(handedDown.map((controller) => [controller, folder]));
  }
  return undefined;
}

/** What groups below this one can be bounded by, once that was asked for. */
function handDown(folder: string): Controller[] {
  const read = (file: string) => readFileSync(join(folder, file), "utf8").trim().split(" ");
  const wanted = WANTED_V2.filter((controller) => read("cgroup.controllers").includes(controller));
  for (const controller of wanted) {
    if (read("cgroup.subtree_control").includes(controller)) continue;
    try {
      writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`);
    } catch {
      // It has processes, or may not: the next one above is asked.
    }
  }
  return wanted.filter((controller) => read("cgroup.subtree_control").includes(controller));
}

function isWritable(folder: string): boolean {
  try {
    for (const path of [folder, join(folder, "cgroup.procs")]) accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function createGroup({ version, folders: parents }: Parents, limits: GroupLimits): ControlGroup {
  const made = new Map<string, string>();
  const folders = new Map<Controller, string>();
  for (const [controller, parent] of parents) {
    const folder = made.get(parent) ?? mkdtempSync(join(parent, `logomesh-${ownerName()}-`));
    made.set(parent, folder);
    folders.set(controller, folder);
  }
  const group = new ControlGroup({ version, folders });
  try {
    for (const { controller, file, value, optional } of groupSettings(version, limits)) {
      const folder = folders.get(controller);
      if (folder === undefined) continue;
      try {
        writeFileSync(join(folder, file), value, { flag: "r+" });
      } catch (error) {
        if (optional !== true) throw error;
      }
    }
  } catch (error) {
    group.removeNow();
    throw error;
  }
  return group;
}

/** Moves a process of its own into a group; undefined when that works. */
function tryGroup(groups: ControlGroups, clock: Clock): string | undefined {
  let group: ControlGroup;
  try {
    group = groups.create(PROBE_LIMITS);
  } catch (error) {
    return messageOf(error);
  }
  const join = 'for file; do echo $$ > "$file" || exit 1; done';
  const { status, stderr, error } = spawnSync("/usr/bin/bash", ["--norc", "-c", join, "join", ...group.joinFiles], {
    ...{ env: {}, cwd: "/", encoding: "utf8", timeout: PROBE_TIMEOUT_MS },
  });
  void group.remove(clock);
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

function ownerName(): string {
  return `${pidNamespace()}-${process.pid}-${startOf(process.pid) ?? ""}`;
}

/** Process ids mean something in one PID namespace only, and containers may share the hierarchy. */
function pidNamespace(): string {
  return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "";
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined; // ended
  }
}

/** A folder of a process that is gone has no processes either: they ended with it. Those that are in use cannot be removed at all. */
function sweep(mountPoints: readonly string[]): void {
  const own = pidNamespace();
  const pending = mountPoints.map((path) => ({ path, depth: 0 }));
  let seen = 0;
  for (let next = pending.pop(); next !== undefined && seen < SWEEP_FOLDERS_MAX; next = pending.pop()) {
    seen += 1;
    for (const name of foldersIn(next.path)) {
      const path = join(next.path, name);
      const [, namespace, pid, start] = NAME.exec(name) ?? [];
      if (pid === undefined) {
        if (next.depth < SWEEP_DEPTH_MAX) pending.push({ path, depth: next.depth + 1 });
      } else if (namespace === own && startOf(Number(pid)) !== start) {
        try {
          rmdirSync(path);
        } catch {
          // Of another user, or its last process is just ending: the next start asks again.
        }
      }
    }
  }
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return []; // gone, or not for this user
  }
}
