/**
 * Patches the query cache from the messages of `/api/events`, so that pages show what happened without asking again.
 * What a message does not carry (payloads, a missed stretch) is marked stale and fetched when it is on screen.
 */
import {
  PluginSchema,
  isTerminalRunStatus,
  type Page,
  type Plugin,
  type Run,
  type RunSummary,
  type RunTaskSummary,
  type ServerMessage,
} from "@logomesh/contracts";
import { notifyManager, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import { queryKeys, type RunFilter } from "./queryKeys.ts";

/** Text of a model on its way is only shown: the last part of it is enough. */
export const LIVE_TEXT_CHARACTERS_MAX = 64_000;

/** Runs on the first page. */
export const RECENT_RUNS = 5;

/** Of a plugin's recent use: two minutes, at a sample a second. */
const PLUGIN_SAMPLES_MAX = 120;

export interface PluginSample {
  memoryBytes: number;
  cpuPercent: number;
}

export type RunPages = InfiniteData<Page<RunSummary>, string | undefined>;

/** Many messages as one change: of what one run or one task told several times, the last counts. */
export function applyMessages(cache: QueryClient, messages: readonly ServerMessage[]): void {
  const tasks = new Map<string, Map<number, RunTaskSummary>>();
  const runs = new Map<string, ServerMessage>();
  const texts = new Map<string, ServerMessage & { type: "token" }>();
  const others: ServerMessage[] = [];
  for (const message of messages) {
    if (message.type === "task") {
      const ofRun = tasks.get(message.runId) ?? new Map<number, RunTaskSummary>();
      tasks.set(message.runId, ofRun.set(message.task.seq, message.task));
    } else if (message.type === "token") {
      const key = `${message.runId} ${message.taskSeq}`;
      texts.set(key, { ...message, delta: `${texts.get(key)?.delta ?? ""}${message.delta}` });
    } else if (message.type === "event" && message.run !== undefined) {
      runs.set(message.run.id, message);
    } else {
      others.push(message);
    }
  }
  notifyManager.batch(() => {
    for (const [runId, ofRun] of tasks) applyTasks(cache, runId, [...ofRun.values()]);
    for (const message of [...texts.values(), ...runs.values(), ...others]) applyMessage(cache, message);
  });
}

export function applyMessage(cache: QueryClient, message: ServerMessage): void {
  switch (message.type) {
    case "snapshot":
    case "reset":
      void cache.invalidateQueries();
      return;
    case "event":
      if (message.run === undefined) void cache.invalidateQueries({ queryKey: queryKeys.run(message.event.runId) });
      else applyRun(cache, message.run);
      return;
    case "task":
      applyTasks(cache, message.runId, [message.task]);
      return;
    case "token":
      cache.setQueryData<string>(queryKeys.runText(message.runId, message.taskSeq), (text = "") =>
        `${text}${message.delta}`.slice(-LIVE_TEXT_CHARACTERS_MAX),
      );
      return;
    case "plugin":
      applyPlugin(cache, message.plugin);
      return;
    case "approval":
      // Rare, and what it holds beyond its row is fetched anyway.
      cache.setQueryData<number>(queryKeys.pendingApprovals, message.pending);
      void cache.invalidateQueries({ queryKey: queryKeys.approvalLists });
      void cache.invalidateQueries({ queryKey: queryKeys.approval(message.approval.id) });
      return;
    case "progress":
    case "error":
      return;
  }
}

export function applyRun(cache: QueryClient, run: RunSummary): void {
  cache.setQueryData<Run>(queryKeys.run(run.id), (known) => (known === undefined ? undefined : { ...known, ...run }));
  for (const [key] of cache.getQueriesData<RunPages>({ queryKey: queryKeys.runLists })) {
    const filter = (key[2] ?? {}) as RunFilter;
    cache.setQueryData<RunPages>(key, (pages) => (pages === undefined ? undefined : patchPages(pages, run, filter)));
  }
  cache.setQueryData<RunSummary[]>(queryKeys.recentRuns, (runs) =>
    runs === undefined ? undefined : upsertRecent(runs, run),
  );
  if (isTerminalRunStatus(run.status)) {
    // The output, and states of tasks whose messages were missed.
    void cache.invalidateQueries({ queryKey: queryKeys.run(run.id) });
    void cache.invalidateQueries({ queryKey: queryKeys.runTasks(run.id) });
    void cache.invalidateQueries({ queryKey: queryKeys.runTaskDetails(run.id) });
    void cache.invalidateQueries({ queryKey: queryKeys.status });
  }
}

/** Newest first, as many as before; a list that is not full grows. */
function upsertRecent(runs: readonly RunSummary[], run: RunSummary): RunSummary[] {
  const index = runs.findIndex(({ id }) => id === run.id);
  if (index !== -1) return runs.with(index, run);
  return [run, ...runs].sort((a, b) => b.createdAt.localeCompare(a.createdAt)).slice(0, RECENT_RUNS);
}

function patchPages(pages: RunPages, run: RunSummary, filter: RunFilter): RunPages {
  const fits = filter.status === undefined || filter.status === run.status;
  const isListed = pages.pages.some((page) => page.items.some((item) => item.id === run.id));
  if (isListed) {
    return {
      ...pages,
      pages: pages.pages.map((page) => ({
        ...page,
        items: page.items.flatMap((item) => (item.id !== run.id ? [item] : fits ? [run] : [])),
      })),
    };
  }
  const [first, ...rest] = pages.pages;
  // Whether a text filter fits is for the server to say.
  if (!fits || filter.q !== undefined || first === undefined) return pages;
  // A run older than the pages that were loaded belongs further down.
  if (first.items[0] !== undefined && run.createdAt < first.items[0].createdAt) return pages;
  return { ...pages, pages: [{ ...first, items: [run, ...first.items] }, ...rest] };
}

function applyTasks(cache: QueryClient, runId: string, changed: readonly RunTaskSummary[]): void {
  const key = queryKeys.runTasks(runId);
  const known = new Map(cache.getQueryData<RunTaskSummary[]>(key)?.map((task) => [task.seq, task]));
  for (const { seq, status, attempt } of changed) {
    const before = known.get(seq);
    if (before?.status !== status || before.attempt !== attempt) {
      void cache.invalidateQueries({ queryKey: queryKeys.runTask(runId, seq) });
    }
  }
  cache.setQueryData<RunTaskSummary[]>(key, (tasks) => {
    if (tasks === undefined) return undefined;
    for (const task of changed) known.set(task.seq, task);
    return [...known.values()].sort((a, b) => a.seq - b.seq);
  });
}

function applyPlugin(cache: QueryClient, value: unknown): void {
  const parsed = PluginSchema.safeParse(value);
  if (!parsed.success) return;
  cache.setQueryData<Plugin[]>(queryKeys.plugins, (plugins) =>
    plugins?.map((plugin) => (plugin.id === parsed.data.id ? parsed.data : plugin)),
  );
  const { id, usage } = parsed.data;
  const { memoryBytes, cpuPercent } = usage;
  cache.setQueryData<readonly PluginSample[]>(queryKeys.pluginSamples(id), (samples = []) =>
    [...samples, { memoryBytes, cpuPercent }].slice(-PLUGIN_SAMPLES_MAX),
  );
}
