import { Tooltip } from "@mantine/core";
import type { StatusLook } from "../lib/status.ts";
import { StatusBadge } from "./StatusBadge.tsx";

/** A mark that explains itself, to the mouse, the keyboard and a finger. */
export function MarkNote({ look, note }: { look: StatusLook; note: string }) {
  return (
    <Tooltip label={note} multiline maw={320} withArrow events={{ hover: true, focus: true, touch: true }}>
      <span tabIndex={0} style={{ display: "inline-flex" }}>
        <StatusBadge look={look} />
      </span>
    </Tooltip>
  );
}
