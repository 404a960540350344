import { Group, Stack, Text } from "@mantine/core";
import type { WorkflowSummary } from "@logomesh/contracts";
import { Outlet, useMatchRoute, useNavigate, useParams } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { RelativeTime } from "../../components/Facts.tsx";
import { FilterField } from "../../components/FilterField.tsx";
import { ListHeader } from "../../components/ListHeader.tsx";
import { ListPane } from "../../components/ListPane.tsx";
import { Split } from "../../components/Split.tsx";
import { EmptyState, LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { ButtonLink } from "../../components/links.tsx";
import { visibleText } from "../../lib/format.ts";
import { useWorkflows } from "./queries.ts";

function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}

export function WorkflowsPage() {
  const navigate = useNavigate();
  const { namespace, name } = useParams({ strict: false });
  const isNew = useMatchRoute()({ to: "/workflows/new" }) !== false;
  const list = useWorkflows();
  const [filter, setFilter] = useState<string>();
  const shown = useMemo(() => {
    const wanted = filter?.toLowerCase() ?? "";
    return (list.data ?? []).filter((workflow) =>
      `${keyOf(workflow)} ${workflow.title ?? ""}`.toLowerCase().includes(wanted),
    );
  }, [list.data, filter]);
  const selectedKey = namespace === undefined || name === undefined ? undefined : keyOf({ namespace, name });

  return (
    <Split
      isDetailOpen={isNew || selectedKey !== undefined}
      list={
        <>
          <ListHeader
            title="Workflows"
            action={
              <ButtonLink to="/workflows/new" size="compact-sm" variant="default">
                New
              </ButtonLink>
            }
          >
            <FilterField label="Filter workflows" filter={filter} onFilter={setFilter} />
          </ListHeader>
          {list.isPending ? <LoadingRows label="Loading workflows" /> : null}
          {list.isError ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : null}
          {list.isSuccess && shown.length === 0 ? <NoWorkflows isFiltered={list.data.length > 0} /> : null}
          {shown.length > 0 ? (
            <ListPane<WorkflowSummary>
              label="Workflows"
              items={shown}
              keyOf={keyOf}
              selectedKey={selectedKey}
              onOpen={(workflow) =>
                void navigate({
                  to: "/workflows/$namespace/$name",
                  params: { namespace: workflow.namespace, name: workflow.name },
                })
              }
              onClose={() => void navigate({ to: "/workflows" })}
              renderItem={(workflow) => <WorkflowRow workflow={workflow} />}
            />
          ) : null}
        </>
      }
      detail={
        isNew || selectedKey !== undefined ? (
          <Outlet />
        ) : (
          <Text c="dimmed" p="xl">
            Choose a workflow to read, change or start it.
          </Text>
        )
      }
    />
  );
}

function WorkflowRow({ workflow }: { workflow: WorkflowSummary }) {
  return (
    <Stack gap={2}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" fw={550} truncate>
          {visibleText(workflow.title ?? workflow.name)}
        </Text>
        <Text size="xs" c="dimmed">
          {workflow.version}
        </Text>
      </Group>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="xs" c="dimmed" truncate>
          {keyOf(workflow)}
        </Text>
        <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
          <RelativeTime at={workflow.createdAt} />
        </Text>
      </Group>
    </Stack>
  );
}

function NoWorkflows({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <EmptyState title="No workflow fits">Clear the filter to see all.</EmptyState>;
  return (
    <EmptyState
      title="No workflows yet"
      command="script/logomesh workflow push workflows/reading-digest.yaml"
      action={<ButtonLink to="/workflows/new">Write one</ButtonLink>}
    >
      A workflow is a YAML definition of tasks: calls of plugins and models, branches, loops, retries.
    </EmptyState>
  );
}
