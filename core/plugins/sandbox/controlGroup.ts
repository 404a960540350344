import { closeSync, openSync, readFileSync, readSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../ports/index.ts";
import { GROUP_COUNTERS, readCounter, type Controller, type GroupVersion } from "./controlGroupFiles.ts";
import type { TreeSample } from "./processTree.ts";

/** The kernel counts a process as a member a moment longer than it can be seen. */
const REMOVE_RETRIES_MS = [1, 5, 20, 100, 500, 1000];
/** More than any file with events has. */
const EVENTS_BYTES_MAX = 512;

/** One group of the kernel, in one folder (version 2) or one for each controller (version 1). Whoever made it removes it. */
export class ControlGroup {
  readonly #version: GroupVersion;
  readonly #folders: ReadonlyMap<Controller, string>;
  readonly #events = Buffer.alloc(EVENTS_BYTES_MAX);
  #eventsFd: number | undefined;

  constructor({ version, folders }: { version: GroupVersion; folders: ReadonlyMap<Controller, string> }) {
    this.#version = version;
    this.#folders = folders;
  }

  /** A process that writes its number to each of these is a member, and its children are. */
  get joinFiles(): readonly string[] {
    return this.#paths.map((folder) => join(folder, "cgroup.procs"));
  }

  get #paths(): string[] {
    return [...new Set(this.#folders.values())];
  }

  /** What can be told of the members, ended ones included; nothing once it was removed. */
  usage(): Partial<TreeSample> {
    const { memoryBytes, cpu, cpuUnitNs } = GROUP_COUNTERS[this.#version];
    const memory = this.#read(memoryBytes.controller, memoryBytes.file);
    const cpuTime = this.#read(cpu.controller, cpu.file);
    const members = readText(this.joinFiles[0] ?? "");
    return {
      ...(memory === undefined ? {} : { memoryBytes: readCounter(memory, memoryBytes.names) }),
      ...(cpuTime === undefined
        ? {}
        : { cpuMs: Math.round((readCounter(cpuTime, cpu.names) * cpuUnitNs) / 1_000_000) }),
      ...(members === undefined ? {} : { processes: members.split("\n").filter(Boolean).length }),
    };
  }

  /** How many members the kernel killed because memory was used up; asked often, so that the file stays open. */
  memoryKills(): number {
    const { controller, file, names } = GROUP_COUNTERS[this.#version].memoryKills;
    try {
      this.#eventsFd ??= openSync(join(this.#folders.get(controller) ?? "", file), "r");
      const length = readSync(this.#eventsFd, this.#events, 0, EVENTS_BYTES_MAX, 0);
      return readCounter(this.#events.toString("latin1", 0, length), names);
    } catch {
      return 0; // removed
    }
  }

  /** Whether nothing of it is left. */
  removeNow(): boolean {
    if (this.#eventsFd !== undefined) closeSync(this.#eventsFd);
    this.#eventsFd = undefined;
    return this.#paths.map((path) => removeFolder(path)).every(Boolean);
  }

  /** Resolves with whether nothing of it is left, at the latest after two seconds. */
  async remove(clock: Clock): Promise<boolean> {
    for (const delayMs of REMOVE_RETRIES_MS) {
      if (this.removeNow()) return true;
      await new Promise<void>((resolve) => clock.setTimer(delayMs, resolve));
    }
    return this.removeNow();
  }

  #read(controller: Controller, file: string): string | undefined {
    const folder = this.#folders.get(controller);
    return folder === undefined ? undefined : readText(join(folder, file));
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined; // removed
  }
}

function removeFolder(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}
