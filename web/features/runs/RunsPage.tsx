import { Group, Select, Text } from "@mantine/core";
import { RunStatusSchema, type RunStatus, type RunSummary } from "@logomesh/contracts";
import { Outlet, getRouteApi, useNavigate, useParams } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { FilterField } from "../../components/FilterField.tsx";
import { ButtonLink } from "../../components/links.tsx";
import { ListHeader } from "../../components/ListHeader.tsx";
import { ListPane } from "../../components/ListPane.tsx";
import { Split } from "../../components/Split.tsx";
import { EmptyState, LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { taskLook } from "../../lib/status.ts";
import { RunRow } from "./RunRow.tsx";
import { useRunList } from "./queries.ts";

const route = getRouteApi("/runs");
const STATUS_OPTIONS = RunStatusSchema.options.map((status) => ({ value: status, label: taskLook(status).label }));

export function RunsPage() {
  const filter = route.useSearch();
  const navigate = useNavigate();
  const { runId } = useParams({ strict: false });
  const list = useRunList(filter);
  const runs = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const setFilter = (change: { status?: RunStatus | undefined; q?: string | undefined }): void => {
    const next = { ...filter, ...change };
    void navigate({
      to: ".",
      search: (all) => ({ ...all, status: next.status, q: next.q }),
      replace: true,
    });
  };

  return (
    <Split
      isDetailOpen={runId !== undefined}
      list={
        <>
          <ListHeader
            title="Runs"
            action={
              <ButtonLink to="/workflows" size="compact-sm" variant="default">
                Start a run
              </ButtonLink>
            }
          >
            <Group gap="xs" grow>
              <FilterField label="Filter runs" filter={filter.q} onFilter={(q) => setFilter({ q })} />
              <Select
                size="xs"
                aria-label="Status"
                placeholder="Any status"
                data={STATUS_OPTIONS}
                value={filter.status ?? null}
                clearable
                clearButtonProps={{ "aria-label": "Any status" }}
                onChange={(value) => setFilter({ status: RunStatusSchema.safeParse(value).data })}
              />
            </Group>
          </ListHeader>
          {list.isPending ? <LoadingRows label="Loading runs" /> : null}
          {list.isError ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : null}
          {list.isSuccess && runs.length === 0 ? (
            <NoRuns isFiltered={filter.q !== undefined || filter.status !== undefined} />
          ) : null}
          {runs.length > 0 ? (
            <ListPane<RunSummary>
              label="Runs"
              items={runs}
              keyOf={(run) => run.id}
              selectedKey={runId}
              onOpen={(run) => void navigate({ to: "/runs/$runId", params: { runId: run.id }, search: filter })}
              onClose={() => void navigate({ to: "/runs", search: filter })}
              onEnd={onEnd}
              renderItem={(run) => <RunRow run={run} />}
            />
          ) : null}
          {isFetchingNextPage ? (
            <Text size="xs" c="dimmed" p="xs" role="status">
              Loading more
            </Text>
          ) : null}
        </>
      }
      detail={
        runId === undefined ? (
          <Text c="dimmed" p="xl">
            Choose a run to see its graph, tasks and output.
          </Text>
        ) : (
          <Outlet />
        )
      }
    />
  );
}

function NoRuns({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <EmptyState title="No run fits">Clear the filter to see all runs.</EmptyState>;
  return (
    <EmptyState
      title="No runs yet"
      command="script/logomesh run reading-digest --input-file notes.md --watch"
      action={<ButtonLink to="/workflows">Choose a workflow</ButtonLink>}
    >
      A run is one execution of a workflow. Start one and watch its tasks light up.
    </EmptyState>
  );
}
