import type { ServerContext } from "@modelcontextprotocol/server";
import { PROGRESS_MS } from "./limits.ts";

/** Tells the client how far its call is, when it asked to be told: rising numbers, some four times a second at most. */
export function createProgress({ mcpReq }: ServerContext): (message: string) => void {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  let progress = 0;
  let sentMs = -Infinity;
  return (message) => {
    progress += 1;
    const nowMs = performance.now();
    if (nowMs - sentMs < PROGRESS_MS) return;
    sentMs = nowMs;
    const params = { progressToken, progress, message: message.slice(0, 500).toWellFormed() };
    // A client that went away has no use for it; its call is aborted by the same event.
    mcpReq.notify({ method: "notifications/progress", params }).catch(() => undefined);
  };
}
