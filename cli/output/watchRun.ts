import { LogoMeshError, isTerminalRunStatus, type Run, type ServerMessage } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { Interrupted, type CliContext } from "../context.ts";
import { ProgressView } from "./progressView.ts";

/** For a workbench that went away to come back: a person who restarts it has the time, a script does not hang for ever. */
const RECONNECT_MS_MAX = 60_000;

const ENDING_EVENT = /\.workflow\.(completed|faulted|cancelled|suspended)\.v1$/;

export interface WatchRunOptions {
  client: Client;
  context: CliContext;
  runId: string;
  /** Shows each task as it happens. */
  isShown: boolean;
  /** Default: one minute. */
  reconnectMsMax?: number;
}

/**
 * Follows a run until it ends, or is suspended and so waits for a person.
 * @throws Interrupted on Ctrl-C, which leaves the run alone; LogoMeshError LM_API_NO_SERVER when the workbench does not come back
 */
export async function watchRun(options: WatchRunOptions): Promise<Run> {
  const { client, context, runId } = options;
  const view = options.isShown ? await createView(options) : undefined;
  const say = (line: string): void => (view === undefined ? context.note(line) : view.note(line));
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, context.signal]);
  const lost = new LossTimer(options.reconnectMsMax ?? RECONNECT_MS_MAX, () => stop.abort());
  try {
    await client.watchEvents({
      run: runId,
      signal,
      types: ["event", "task", "token", "progress"],
      onMessage: (message) => {
        if (lost.end()) say("The workbench is back.");
        view?.show(message);
        if (hasEnded(message)) stop.abort();
      },
      onConnectionChange: (state) => {
        if (state !== "waiting" || !lost.begin()) return;
        say("The workbench does not answer; trying again. The run goes on when it is back.");
      },
    });
  } finally {
    lost.end();
    view?.close();
  }
  if (context.signal.aborted) throw new Interrupted();
  if (lost.isOver) {
    throw new LogoMeshError(
      "LM_API_NO_SERVER",
      `The workbench went away and did not come back. Once it runs again, the run goes on: logomesh runs watch ${runId}`,
    );
  }
  return client.getRun({ params: { id: runId } });
}

async function createView({ client, context, runId }: WatchRunOptions): Promise<ProgressView> {
  const { definition } = await client.getRunDefinition({ params: { id: runId }, signal: context.signal });
  return new ProgressView(context, { definition });
}

/** Stored events come without the run, so their type tells. */
function hasEnded(message: ServerMessage): boolean {
  if (message.type === "event") return ENDING_EVENT.test(message.event.type);
  const status = message.type === "snapshot" ? message.run?.status : undefined;
  return status !== undefined && (isTerminalRunStatus(status) || status === "suspended");
}

/** Runs from the loss of a connection to its return. */
class LossTimer {
  readonly #limitMs: number;
  readonly #onOver: () => void;
  #timer: NodeJS.Timeout | undefined;
  isOver = false;

  constructor(limitMs: number, onOver: () => void) {
    this.#limitMs = limitMs;
    this.#onOver = onOver;
  }

  /** True when the connection was not lost already. */
  begin(): boolean {
    if (this.#timer !== undefined) return false;
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.#onOver();
    }, this.#limitMs);
    return true;
  }

  /** True when the connection was lost. */
  end(): boolean {
    const wasLost = this.#timer !== undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return wasLost;
  }
}
