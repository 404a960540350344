import { isTerminalRunStatus, type Run, type RunStatus } from "@logomesh/contracts";
import type { RunMessage } from "@logomesh/core";
import type { ToolContext } from "./clientTool.ts";

const ENDING_EVENT = /\.workflow\.(completed|faulted|cancelled|suspended)\.v1$/;

/**
 * Waits for the end of a run, telling the client of each task, and answers the run as it then is: ended, waiting for a person, or, when the
 * time is over, still at work. Aborting stops the waiting and leaves the run alone.
 */
export async function followRun(
  runId: string,
  { waitMs }: { waitMs: number },
  { workbench: { workflows }, signal, report }: ToolContext,
): Promise<Run> {
  const done = Promise.withResolvers<undefined>();
  const finish = (): void => done.resolve(undefined);
  using _subscription = workflows.subscribe({ runId }, (message) => {
    if (hasEnded(message)) finish();
    else if (message.type === "task") report(`${message.task.name}: ${message.task.status}`);
  });
  // Only now: what ends before somebody listens is seen here.
  const run = await workflows.getRun(runId);
  if (isSettled(run.status) || waitMs === 0) return run;
  await waitFor(done, { waitMs, signal });
  return await workflows.getRun(runId);
}

async function waitFor(
  done: PromiseWithResolvers<undefined>,
  { waitMs, signal }: { waitMs: number; signal: AbortSignal },
): Promise<void> {
  const finish = (): void => done.resolve(undefined);
  const timer = setTimeout(finish, waitMs);
  signal.addEventListener("abort", finish, { once: true });
  try {
    signal.throwIfAborted();
    await done.promise;
    signal.throwIfAborted();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", finish);
  }
}

/** A suspended run waits for a person. */
function isSettled(status: RunStatus): boolean {
  return isTerminalRunStatus(status) || status === "suspended";
}

function hasEnded(message: RunMessage): boolean {
  return message.type === "event" && ENDING_EVENT.test(message.event.type);
}
