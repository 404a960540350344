/** What the top bar says about model, sandbox, log and connection. */
import type { SystemStatus } from "@logomesh/contracts";
import type { LiveState } from "../lib/live.ts";
import type { StatusLook } from "../lib/status.ts";

export interface LightLook {
  look: StatusLook;
  detail: string;
}

const UNKNOWN: LightLook = {
  look: { tone: "neutral", icon: "question", label: "unknown" },
  detail: "The workbench has not answered yet.",
};

export function modelLight(status: SystemStatus | undefined): LightLook {
  if (status === undefined) return UNKNOWN;
  const { model, provider, simulated, hint } = status.model;
  return simulated
    ? {
        look: { tone: "uncertain", icon: "warning", label: "mock" },
        detail:
          `No real model answers: the deterministic mock does, and its text is not a model's. ${hint ?? ""}`.trim(),
      }
    : { look: { tone: "good", icon: "check", label: model }, detail: `${model} answers, served by ${provider}.` };
}

export function sandboxLight(status: SystemStatus | undefined): LightLook {
  if (status === undefined) return UNKNOWN;
  return {
    look: status.sandbox.available
      ? { tone: "good", icon: "check", label: "on" }
      : { tone: "bad", icon: "cross", label: "missing" },
    detail: status.sandbox.detail,
  };
}

export function logLight(status: SystemStatus | undefined): LightLook {
  if (status === undefined) return UNKNOWN;
  const { entries, entriesSinceOutside, verified } = status.audit;
  const distance = `${entries} entries, ${entriesSinceOutside} newer than the last checkpoint outside the workspace.`;
  switch (verified) {
    case "ok":
      return { look: { tone: "good", icon: "check", label: "verified" }, detail: `The log is intact. ${distance}` };
    case "tampered":
      return {
        look: { tone: "bad", icon: "cross", label: "tampered" },
        detail: `The log has been changed: open Audit and verify. ${distance}`,
      };
    case "incomplete":
      return {
        look: { tone: "uncertain", icon: "warning", label: "unanchored" },
        detail: `The log is consistent, but nothing outside the workspace anchors it. ${distance}`,
      };
    case "pending":
      return { look: { tone: "neutral", icon: "clock", label: "not verified yet" }, detail: distance };
  }
}

export function connectionLight(state: LiveState): LightLook {
  switch (state.connection) {
    case "open":
      return { look: { tone: "good", icon: "check", label: "live" }, detail: "Changes appear as they happen." };
    case "connecting":
      return { look: { tone: "waiting", icon: "clock", label: "connecting" }, detail: "Connecting to the workbench." };
    case "lost":
      return {
        look: { tone: "bad", icon: "cross", label: "offline" },
        detail: `The connection is lost${state.asOf === undefined ? "" : `; this page shows ${new Date(state.asOf).toLocaleTimeString("en-GB")}`}. Trying again.`,
      };
  }
}
