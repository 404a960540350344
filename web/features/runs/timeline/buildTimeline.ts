/** The tasks of a run as rows over time: a row for each task with its attempts side by side, inner tasks below the one that holds them. */
import type { RunTaskSummary, TaskStatus } from "@logomesh/contracts";

export interface TimelineBar {
  seq: number;
  status: TaskStatus;
  attempt: number;
  /** Milliseconds since the start of the run. */
  fromMs: number;
  /** Undefined while it lasts. */
  toMs: number | undefined;
  /** Nothing is computed in this time. */
  isWait: boolean;
}

export interface TimelineRow {
  key: string;
  name: string;
  iteration: number | undefined;
  depth: number;
  hasChildren: boolean;
  /** In order of starting; the last one speaks for the row. */
  bars: TimelineBar[];
  last: RunTaskSummary;
}

export interface Timeline {
  rows: TimelineRow[];
  startMs: number;
  /** Until the last end that is known. */
  endedMs: number;
  hasOpenBars: boolean;
}

interface Group {
  /** Of the first of its tasks. */
  id: number;
  key: string;
  tasks: RunTaskSummary[];
  children: Group[];
}

export function buildTimeline(tasks: readonly RunTaskSummary[]): Timeline {
  const startMs = tasks.reduce((least, { startedAt }) => Math.min(least, millisecondsOf(startedAt)), Infinity);
  const roots = groupsOf(tasks);
  const timeline: Timeline = {
    rows: [],
    startMs: Number.isFinite(startMs) ? startMs : 0,
    endedMs: 0,
    hasOpenBars: false,
  };
  const pending = roots.map((group) => ({ group, depth: 0 })).reverse();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { group, depth } = next;
    addRow(timeline, group, depth);
    for (const child of group.children.toReversed()) pending.push({ group: child, depth: depth + 1 });
  }
  return timeline;
}

/** Without what lies below rows that are closed. */
export function visibleRows(rows: readonly TimelineRow[], closed: ReadonlySet<string>): TimelineRow[] {
  let hiddenBelow = Infinity;
  return rows.filter(({ key, depth }) => {
    if (depth > hiddenBelow) return false;
    hiddenBelow = closed.has(key) ? depth : Infinity;
    return true;
  });
}

const STEPS = [1, 2, 5];

/** Instants for the axis, at round distances, at most `marksMax` of them. */
export function ticksOf(spanMs: number, marksMax: number): number[] {
  let step = 1;
  for (let power = 0; spanMs / step > marksMax; power += 1)
    step = (STEPS[power % 3] ?? 1) * 10 ** Math.floor(power / 3);
  return Array.from({ length: Math.floor(spanMs / step) + 1 }, (_, index) => index * step);
}

/** Attempts of one task in one iteration belong together. */
function groupsOf(tasks: readonly RunTaskSummary[]): Group[] {
  const groups = new Map<string, Group>();
  const bySeq = new Map<number, Group>();
  const roots: Group[] = [];
  for (const task of tasks) {
    const parent = task.parentSeq === undefined ? undefined : bySeq.get(task.parentSeq);
    const key = `${parent?.id ?? ""} ${task.reference} ${task.iteration ?? ""}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { id: task.seq, key, tasks: [], children: [] };
      groups.set(key, group);
      (parent?.children ?? roots).push(group);
    }
    group.tasks.push(task);
    bySeq.set(task.seq, group);
  }
  return roots;
}

function addRow(timeline: Timeline, group: Group, depth: number): void {
  const last = group.tasks.at(-1);
  if (last === undefined) return;
  const bars = group.tasks
    .filter(({ startedAt }) => startedAt !== undefined)
    .map((task) => barOf(task, timeline.startMs));
  for (const { fromMs, toMs } of bars) {
    timeline.endedMs = Math.max(timeline.endedMs, toMs ?? fromMs);
    timeline.hasOpenBars ||= toMs === undefined;
  }
  timeline.rows.push({
    key: group.key,
    name: last.reference.endsWith("/catch/retry") ? "pause before the next attempt" : last.name,
    iteration: last.iteration,
    depth,
    hasChildren: group.children.length > 0,
    bars,
    last,
  });
}

const WAITING_TYPES = ["wait", "listen"];

function barOf({ seq, status, attempt, type, startedAt, endedAt }: RunTaskSummary, startMs: number): TimelineBar {
  return {
    ...{ seq, status, attempt },
    fromMs: millisecondsOf(startedAt) - startMs,
    toMs: endedAt === undefined ? undefined : millisecondsOf(endedAt) - startMs,
    isWait: WAITING_TYPES.includes(type) || status === "waiting",
  };
}

function millisecondsOf(instant: string | undefined): number {
  return instant === undefined ? Infinity : Date.parse(instant);
}
