import {
  IconAlertTriangle,
  IconBan,
  IconCircle,
  IconCircleCheck,
  IconCircleX,
  IconClock,
  IconHelpCircle,
  IconLoader2,
  IconLock,
  IconPlayerPause,
  IconPlayerSkipForward,
} from "@tabler/icons-react";
import type { StatusIcon, StatusLook } from "../lib/status.ts";
import classes from "./StatusBadge.module.css";

const ICONS: Record<StatusIcon, typeof IconCircle> = {
  circle: IconCircle,
  loader: IconLoader2,
  clock: IconClock,
  pause: IconPlayerPause,
  ban: IconBan,
  cross: IconCircleX,
  check: IconCircleCheck,
  question: IconHelpCircle,
  skip: IconPlayerSkipForward,
  lock: IconLock,
  warning: IconAlertTriangle,
};

export function StatusMark({ look, size = 16 }: { look: StatusLook; size?: number }) {
  const Icon = ICONS[look.icon];
  return (
    <Icon
      size={size}
      stroke={2}
      aria-hidden
      {...(look.live === true ? { className: "lm-live" } : {})}
      style={{ color: `var(--lm-${look.tone})`, flex: "none" }}
    />
  );
}

/** Colour and icon and word. */
export function StatusBadge({ look }: { look: StatusLook }) {
  return (
    <span
      className={classes["badge"]}
      style={{ color: `var(--lm-${look.tone})`, background: `var(--lm-${look.tone}-soft)` }}
    >
      <StatusMark look={look} size={14} />
      {look.label}
    </span>
  );
}
