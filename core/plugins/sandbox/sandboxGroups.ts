import { LogoMeshError } from "@logomesh/contracts";
import { messageOf } from "../../base/index.ts";
import type { Clock } from "../../ports/index.ts";
import type { ControlGroup } from "./controlGroup.ts";
import { findControlGroups, type ControlGroups } from "./controlGroups.ts";
import { tasksMax } from "./gate.ts";
import type { SandboxSpec } from "./sandbox.ts";

const MIB = 1024 * 1024;
/** A group counts the kernel's own memory too (page tables, stacks, mounts), which `memory_mb` does not mean. */
const KERNEL_MEMORY_BYTES = 8 * MIB;

export interface GroupMaker {
  /** Looked for once. */
  find(): ControlGroups | string;
  /** Bounded as the plugin asks; undefined where there are no groups. @throws LogoMeshError LM_PLUGIN_START_FAILED */
  make(spec: Pick<SandboxSpec, "pluginId" | "runtime" | "limits">): ControlGroup | undefined;
}

export function createGroupMaker({ clock, isUsed }: { clock: Clock; isUsed: boolean }): GroupMaker {
  let found: ControlGroups | string | undefined;
  const find = () => (found ??= isUsed ? findControlGroups({ clock }) : "they were not looked for");
  return {
    find,
    make({ pluginId, runtime, limits }) {
      const groups = find();
      if (typeof groups === "string") return undefined;
      try {
        return groups.create({
          memoryBytes: limits.memory_mb * MIB + KERNEL_MEMORY_BYTES,
          tasks: tasksMax({ runtime, limits }),
          cpuPercent: limits.cpu_percent,
        });
      } catch (error) {
        const detail = `${pluginId} was not started, because its control group could not be made: ${messageOf(error)}`;
        throw new LogoMeshError("LM_PLUGIN_START_FAILED", detail, { cause: error });
      }
    },
  };
}
