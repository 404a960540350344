import type { ToolProgress } from "@logomesh/contracts";
import type { OnToolProgress } from "@logomesh/core";
import type { ServerContext } from "@modelcontextprotocol/server";
import { PROGRESS_MS } from "./limits.ts";

export interface Progress {
  /** A step of our own work: numbers that rise by one, some four times a second at most. */
  report: (message: string) => void;
  /** What a plugin tells; its numbers rise, and come at a bearable pace. Undefined when the client did not ask to be told. */
  forward: OnToolProgress | undefined;
}

/** Tells the client how far its call is, when it asked to be told. */
export function createProgress({ mcpReq }: ServerContext): Progress {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return { report: () => undefined, forward: undefined };
  const tell = (progress: ToolProgress): void => {
    const params = { progressToken, ...progress };
    // A client that went away has no use for it; its call is aborted by the same event.
    mcpReq.notify({ method: "notifications/progress", params }).catch(() => undefined);
  };
  let progress = 0;
  let sentMs = -Infinity;
  return {
    report(message) {
      progress += 1;
      const nowMs = performance.now();
      if (nowMs - sentMs < PROGRESS_MS) return;
      sentMs = nowMs;
      tell({ progress, message: message.slice(0, 500).toWellFormed() });
    },
    forward: tell,
  };
}
