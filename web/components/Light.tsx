import { Tooltip } from "@mantine/core";
import type { StatusLook } from "../lib/status.ts";
import classes from "./Light.module.css";
import { StatusMark } from "./StatusBadge.tsx";

/** A quiet lamp of the top bar: what it is about, its state as icon and word, the whole truth on hover. */
export function Light({ name, look, detail }: { name: string; look: StatusLook; detail: string }) {
  return (
    <Tooltip label={detail} multiline maw={320} withArrow events={{ hover: true, focus: true, touch: true }}>
      <span className={classes["light"]}>
        <StatusMark look={look} size={14} />
        <span className={classes["name"]} data-light-name>
          {name}
        </span>
        <span>{look.label}</span>
      </span>
    </Tooltip>
  );
}
