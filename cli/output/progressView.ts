import type { JsonValue, RunTaskSummary, ServerMessage, TaskStatus } from "@logomesh/contracts";
import type { CliContext } from "../context.ts";
import { progressText } from "./progressText.ts";
import { statusText } from "./style.ts";
import { truncate, truncateStart, visibleLine, widthOf } from "./text.ts";

/** Width of the bar. */
const BAR_COLUMNS = 20;
/** Of a model's text that is kept to be shown while it arrives: wider than any terminal. */
const TAIL_CHARS = 400;
/** Statuses of a task that will change by itself. */
const GOING: readonly TaskStatus[] = ["pending", "running", "waiting"];

/** One line for each task that ends, and below them, on a terminal, a bar with what is going on. */
export class ProgressView {
  readonly #context: CliContext;
  /** Tasks that the definition has; a loop's come once, a branch that is not taken is counted too. */
  readonly #expected: number;
  readonly #tasks = new Map<number, RunTaskSummary>();
  /** Newest text of the model that spoke last, or how far the tool is that told last. */
  #tail: { taskSeq: number; text: string; isWhole?: boolean } | undefined;
  #hasBar = false;

  constructor(context: CliContext, { definition }: { definition: JsonValue }) {
    this.#context = context;
    this.#expected = countTasks(definition);
  }

  show(message: ServerMessage): void {
    if (message.type === "snapshot") for (const task of message.tasks ?? []) this.#update(task);
    if (message.type === "task") this.#update(message.task);
    if (message.type === "token") this.#append(message);
    if (message.type === "progress")
      this.#tail = { taskSeq: message.taskSeq, text: progressText(message.progress), isWhole: true };
    this.#drawBar();
  }

  /** A line above the bar. */
  note(line: string): void {
    this.#clearBar();
    this.#context.note(line);
  }

  close(): void {
    this.#clearBar();
  }

  #append({ taskSeq, delta }: { taskSeq: number; delta: string }): void {
    const before = this.#tail?.taskSeq === taskSeq && this.#tail.isWhole !== true ? this.#tail.text : "";
    this.#tail = { taskSeq, text: (before + delta).slice(-TAIL_CHARS) };
  }

  #update(task: RunTaskSummary): void {
    const before = this.#tasks.get(task.seq);
    this.#tasks.set(task.seq, task);
    if (GOING.includes(task.status)) {
      if (task.attempt > (before?.attempt ?? 1)) this.note(describe({ ...task, status: "waiting" }, this.#context));
      return;
    }
    if (before?.status === task.status) return;
    if (this.#tail?.taskSeq === task.seq) this.#tail = undefined;
    this.note(describe(task, this.#context));
  }

  #drawBar(): void {
    const { isInteractive, noteColumns, noteStyle, draw } = this.#context;
    if (!isInteractive) return;
    const all = [...this.#tasks.values()];
    const going = all.filter(({ status }) => GOING.includes(status));
    const ended = new Set(all.filter((task) => !going.includes(task)).map(({ reference }) => reference)).size;
    const total = Math.max(this.#expected, ended + going.length);
    const filled = total === 0 ? 0 : Math.floor((ended / total) * BAR_COLUMNS);
    const names = [...new Set(going.filter(isLeaf).map(({ name }) => visibleLine(name)))].join(", ");
    const head = `${"█".repeat(filled)}${"░".repeat(BAR_COLUMNS - filled)} ${ended}/${total} ${names}`;
    const shown = truncate(head, noteColumns - 1);
    const columns = noteColumns - 3 - widthOf(shown);
    const tail =
      columns > 10 && this.#tail !== undefined
        ? `  ${truncateStart(visibleLine(this.#tail.text.replace(/\s+/g, " ")), columns)}`
        : "";
    this.#clearBar();
    draw(`${shown}${noteStyle.dim(tail)}`);
    this.#hasBar = true;
  }

  #clearBar(): void {
    if (this.#hasBar) this.#context.draw("\r\u001b[2K");
    this.#hasBar = false;
  }
}

function describe(task: RunTaskSummary, { noteStyle: style }: CliContext): string {
  const { status, name, call, details, attempt, error } = task;
  const facts = [call, details?.plugin, details?.tool, details?.model].filter((fact) => typeof fact === "string");
  const simulated = details?.simulated === true ? style.yellow(" simulated") : "";
  const repeated = attempt > 1 ? style.yellow(` attempt ${attempt}`) : "";
  const reason = error === undefined ? "" : ` ${style.red(visibleLine(error.detail ?? error.title ?? error.type))}`;
  const what = facts.length === 0 ? "" : style.dim(` ${visibleLine(facts.join(" "))}`);
  return `${statusText(status, style)} ${visibleLine(name)}${what}${simulated}${repeated}${reason}`;
}

/** What works itself, not by the tasks in it. */
function isLeaf({ type }: RunTaskSummary): boolean {
  return !["do", "fork", "for", "try"].includes(type);
}

/** Tasks of a definition: each item of a list of tasks is an object with one member, whose value is an object. */
function countTasks(value: JsonValue, key = ""): number {
  if (Array.isArray(value)) {
    const isTaskList = ["do", "try", "branches"].includes(key);
    return value.reduce<number>((sum, item) => sum + (isTaskList ? 1 : 0) + countTasks(item), 0);
  }
  if (typeof value !== "object" || value === null) return 0;
  return Object.entries(value).reduce((sum, [name, member]) => sum + countTasks(member, name), 0);
}
