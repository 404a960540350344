import { Tabs, Text } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { Suspense, lazy } from "react";
import { LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { RunData } from "./RunData.tsx";
import classes from "./RunDetail.module.css";
import { RunGraph } from "./RunGraph.tsx";
import { RunHeader } from "./RunHeader.tsx";
import { TaskPanel } from "./TaskPanel.tsx";
import { TaskTable } from "./TaskTable.tsx";
import { TASKS_SHOWN_MAX, useRun, useRunTasks } from "./queries.ts";

const route = getRouteApi("/runs/$runId");
const RunTimeline = lazy(async () => ({ default: (await import("./timeline/RunTimeline.tsx")).RunTimeline }));
const RunComparison = lazy(async () => ({ default: (await import("./compare/RunComparison.tsx")).RunComparison }));
const RUN_TABS = ["graph", "timeline", "tasks", "io", "compare"] as const;
type Tab = (typeof RUN_TABS)[number];

/** A run: header, then graph, tasks or data; a task chosen anywhere is chosen everywhere. */
export function RunDetail() {
  const { runId } = route.useParams();
  const { tab = "graph", task: seq, with: other } = route.useSearch();
  const navigate = route.useNavigate();
  const run = useRun(runId);
  const tasks = useRunTasks(runId);
  const select = (task: number | undefined): void => {
    void navigate({ search: (all) => ({ ...all, task }), replace: true });
  };
  const show = (value: Tab): void => {
    void navigate({ search: (all) => ({ ...all, tab: value }), replace: true });
  };

  if (run.isPending) return <LoadingRows label="Loading the run" />;
  if (run.isError) return <ProblemAlert error={run.error} onRetry={() => void run.refetch()} />;
  const chosen = tasks.data?.find((task) => task.seq === seq);
  return (
    <>
      <RunHeader run={run.data} tasks={tasks.data ?? []} onSelect={select} />
      {tasks.isError ? <ProblemAlert error={tasks.error} onRetry={() => void tasks.refetch()} /> : null}
      <div className={classes["body"]}>
        <Tabs
          value={tab}
          onChange={(value) => show(RUN_TABS.find((known) => known === value) ?? "graph")}
          className={classes["tabs"] ?? ""}
          keepMounted={false}
        >
          <Tabs.List px="md">
            <Tabs.Tab value="graph">Graph</Tabs.Tab>
            <Tabs.Tab value="timeline">Timeline</Tabs.Tab>
            <Tabs.Tab value="tasks">Tasks {tasks.data === undefined ? "" : `(${tasks.data.length})`}</Tabs.Tab>
            <Tabs.Tab value="io">Input and output</Tabs.Tab>
            <Tabs.Tab value="compare">Compare</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="graph" className={classes["panel"] ?? ""}>
            <RunGraph runId={runId} tasks={tasks.data ?? []} selected={chosen?.reference} onSelect={select} />
          </Tabs.Panel>
          <Tabs.Panel value="timeline" className={classes["panel"] ?? ""}>
            {tasks.isPending ? (
              <LoadingRows label="Loading tasks" />
            ) : (
              <Suspense fallback={<LoadingRows label="Loading the timeline" />}>
                <RunTimeline tasks={tasks.data ?? []} selected={seq} onSelect={select} />
              </Suspense>
            )}
            {(tasks.data?.length ?? 0) < TASKS_SHOWN_MAX ? null : (
              <Text size="sm" c="dimmed" p="sm">
                The first {TASKS_SHOWN_MAX} tasks are shown.
              </Text>
            )}
          </Tabs.Panel>
          <Tabs.Panel value="tasks" className={classes["panel"] ?? ""}>
            {tasks.isPending ? (
              <LoadingRows label="Loading tasks" />
            ) : (
              <TaskTable tasks={tasks.data ?? []} selected={seq} onSelect={select} />
            )}
          </Tabs.Panel>
          <Tabs.Panel value="io" className={classes["panel"] ?? ""}>
            <RunData run={run.data} />
          </Tabs.Panel>
          <Tabs.Panel value="compare" className={classes["panel"] ?? ""}>
            <Suspense fallback={<LoadingRows label="Loading the comparison" />}>
              <RunComparison
                run={run.data}
                other={other}
                onChoose={(chosen) => void navigate({ search: (all) => ({ ...all, with: chosen }), replace: true })}
              />
            </Suspense>
          </Tabs.Panel>
        </Tabs>
        {seq === undefined ? null : (
          <TaskPanel key={seq} runId={runId} seq={seq} summary={chosen} onClose={() => select(undefined)} />
        )}
      </div>
    </>
  );
}
