import { Tooltip } from "@mantine/core";
import { StatusBadge } from "./StatusBadge.tsx";

const LOOK = { tone: "uncertain", icon: "warning", label: "mock" } as const;

/** Says wherever text of the simulated model is shown that no real model wrote it, and what would change that. */
export function MockNote({ hint }: { hint: string | undefined }) {
  return (
    <Tooltip
      label={`A deterministic stand-in answered, no real model. ${hint ?? ""}`.trim()}
      multiline
      maw={320}
      withArrow
      events={{ hover: true, focus: true, touch: true }}
    >
      <span tabIndex={0} style={{ display: "inline-flex" }}>
        <StatusBadge look={LOOK} />
      </span>
    </Tooltip>
  );
}
