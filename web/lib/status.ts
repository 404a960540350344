/** How every status looks: colour and icon and word, the same in list, graph and table. */
import type { ApprovalStatus, PluginState, TaskStatus } from "@logomesh/contracts";

/** A tone is a colour with a meaning; its values for light and dark are in app/app.css. */
export type Tone = "neutral" | "active" | "waiting" | "good" | "bad" | "uncertain";

export interface StatusLook {
  tone: Tone;
  icon: StatusIcon;
  label: string;
  /** Moves while this state lasts. */
  live?: boolean;
}

export type StatusIcon =
  "circle" | "loader" | "clock" | "pause" | "ban" | "cross" | "check" | "question" | "skip" | "lock" | "warning";

const RUN_LOOKS: Record<TaskStatus, StatusLook> = {
  pending: { tone: "neutral", icon: "circle", label: "Pending" },
  running: { tone: "active", icon: "loader", label: "Running", live: true },
  waiting: { tone: "waiting", icon: "clock", label: "Waiting" },
  suspended: { tone: "waiting", icon: "pause", label: "Suspended" },
  cancelled: { tone: "neutral", icon: "ban", label: "Cancelled" },
  faulted: { tone: "bad", icon: "cross", label: "Faulted" },
  completed: { tone: "good", icon: "check", label: "Completed" },
  skipped: { tone: "neutral", icon: "skip", label: "Skipped" },
  unknown: { tone: "uncertain", icon: "question", label: "Unknown" },
};

const PLUGIN_LOOKS: Record<PluginState, StatusLook> = {
  discovered: { tone: "neutral", icon: "circle", label: "Discovered" },
  resolved: { tone: "neutral", icon: "circle", label: "Not started" },
  loading: { tone: "active", icon: "loader", label: "Loading", live: true },
  ready: { tone: "good", icon: "check", label: "Ready" },
  busy: { tone: "active", icon: "loader", label: "Busy", live: true },
  draining: { tone: "waiting", icon: "clock", label: "Draining" },
  stopping: { tone: "waiting", icon: "clock", label: "Stopping" },
  stopped: { tone: "neutral", icon: "pause", label: "Stopped" },
  disabled: { tone: "neutral", icon: "ban", label: "Disabled" },
  blocked: { tone: "uncertain", icon: "lock", label: "Blocked" },
  invalid: { tone: "bad", icon: "cross", label: "Invalid" },
  unresponsive: { tone: "uncertain", icon: "warning", label: "Unresponsive" },
  crashed: { tone: "bad", icon: "cross", label: "Crashed" },
  quarantined: { tone: "bad", icon: "lock", label: "Quarantined" },
};

const APPROVAL_LOOKS: Record<ApprovalStatus, StatusLook> = {
  pending: { tone: "waiting", icon: "clock", label: "Pending" },
  approved: { tone: "good", icon: "check", label: "Approved" },
  rejected: { tone: "neutral", icon: "ban", label: "Rejected" },
  expired: { tone: "neutral", icon: "clock", label: "Expired" },
  failed: { tone: "bad", icon: "cross", label: "Failed" },
  undone: { tone: "neutral", icon: "skip", label: "Undone" },
};

export function taskLook(status: TaskStatus): StatusLook {
  return RUN_LOOKS[status];
}

export function pluginLook(state: PluginState): StatusLook {
  return PLUGIN_LOOKS[state];
}

export function approvalLook(status: ApprovalStatus): StatusLook {
  return APPROVAL_LOOKS[status];
}
