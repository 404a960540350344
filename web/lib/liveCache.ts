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
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
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
      applyTask(cache, message.runId, message.task);
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

export function applyTask(cache: QueryClient, runId: string, task: RunTaskSummary): void {
  const known = cache.getQueryData<RunTaskSummary[]>(queryKeys.runTasks(runId))?.find(({ seq }) => seq === task.seq);
  cache.setQueryData<RunTaskSummary[]>(queryKeys.runTasks(runId), (tasks) => {
    if (tasks === undefined) return undefined;
    const index = tasks.findIndex(({ seq }) => seq === task.seq);
    return index === -1 ? [...tasks, task].sort((a, b) => a.seq - b.seq) : tasks.with(index, task);
  });
  if (known?.status !== task.status || known.attempt !== task.attempt) {
    void cache.invalidateQueries({ queryKey: queryKeys.runTask(runId, task.seq) });
  }
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
