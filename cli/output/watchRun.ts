import { isTerminalRunStatus, type Run, type RunTaskSummary, type ServerMessage } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { Interrupted, type CliContext } from "../context.ts";
import { statusText, visible } from "./style.ts";

/** Width of the bar. */
const BAR_CHARS = 24;
/** Of a model's text that is shown while it arrives. */
const TAIL_CHARS = 60;

/** Follows a run to its end. @throws Interrupted on Ctrl-C: the run goes on */
export async function watchRun(options: {
  client: Client;
  context: CliContext;
  runId: string;
  isShown: boolean;
}): Promise<Run> {
  const { client, context, runId } = options;
  const view = options.isShown ? new ProgressView(context) : undefined;
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  context.signal.addEventListener("abort", onInterrupt, { once: true });
  if (context.signal.aborted) stop.abort();
  try {
    await client.watchEvents({
      run: runId,
      signal: stop.signal,
      onMessage: (message) => {
        view?.show(message);
        if (hasEnded(message)) stop.abort();
      },
    });
  } finally {
    view?.close();
    context.signal.removeEventListener("abort", onInterrupt);
  }
  if (context.signal.aborted) throw new Interrupted();
  return client.getRun({ params: { id: runId } });
}

/** A suspended run waits for a person: nothing more will come by itself. Stored events come without the run. */
function hasEnded(message: ServerMessage): boolean {
  if (message.type === "event")
    return /\.workflow\.(completed|faulted|cancelled|suspended)\.v1$/.test(message.event.type);
  const status = message.type === "snapshot" ? message.run?.status : undefined;
  return status !== undefined && (isTerminalRunStatus(status) || status === "suspended");
}

/** One line for each task that ends, and below them a bar with what is going on. */
class ProgressView {
  readonly #context: CliContext;
  readonly #tasks = new Map<number, RunTaskSummary>();
  #tail = "";
  #hasBar = false;

  constructor(context: CliContext) {
    this.#context = context;
  }

  show(message: ServerMessage): void {
    if (message.type === "snapshot") for (const task of message.tasks ?? []) this.#update(task);
    if (message.type === "task") this.#update(message.task);
    if (message.type === "token") this.#tail = (this.#tail + visible(message.delta)).slice(-TAIL_CHARS);
    this.#drawBar();
  }

  close(): void {
    this.#clearBar();
  }

  #update(task: RunTaskSummary): void {
    const before = this.#tasks.get(task.seq)?.status;
    this.#tasks.set(task.seq, task);
    if (before === task.status || task.status === "running" || task.status === "waiting") return;
    this.#tail = "";
    this.#clearBar();
    const { style } = this.#context;
    const facts = [task.call, task.details?.plugin, task.details?.model].filter((fact) => typeof fact === "string");
    const attempt = task.attempt > 1 ? style.yellow(` attempt ${task.attempt}`) : "";
    const error = task.error === undefined ? "" : ` ${style.red(visible(task.error.detail ?? task.error.type))}`;
    this.#context.note(
      `${statusText(task.status, style)} ${visible(task.name)}${style.dim(facts.length === 0 ? "" : ` ${facts.join(" ")}`)}${attempt}${error}`,
    );
  }

  #drawBar(): void {
    if (!this.#context.isInteractive) return;
    const all = [...this.#tasks.values()];
    const going = all.filter(({ status }) => status === "running" || status === "waiting");
    const share = all.length === 0 ? 0 : (all.length - going.length) / all.length;
    const filled = Math.round(share * BAR_CHARS);
    const names = going.filter(({ call }) => call !== undefined).map(({ name }) => visible(name));
    this.#clearBar();
    const text = this.#tail === "" ? "" : this.#context.style.dim(` …${this.#tail.replace(/\s+/g, " ")}`);
    this.#context.draw(
      `${"█".repeat(filled)}${"░".repeat(BAR_CHARS - filled)} ${all.length - going.length}/${all.length} ${names.join(", ")}${text}`,
    );
    this.#hasBar = true;
  }

  #clearBar(): void {
    if (this.#hasBar) this.#context.draw("\r\u001b[2K");
    this.#hasBar = false;
  }
}
