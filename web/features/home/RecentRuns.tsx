import { Group, Paper, Stack, Text, Title } from "@mantine/core";
import type { RunSummary } from "@logomesh/contracts";
import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Duration, RelativeTime } from "../../components/Facts.tsx";
import { LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { TextLink } from "../../components/links.tsx";
import { visibleText } from "../../lib/format.ts";
import { taskLook } from "../../lib/status.ts";
import classes from "./HomePage.module.css";

export function RecentRuns({ runs }: { runs: UseQueryResult<RunSummary[]> }) {
  return (
    <Paper withBorder p="lg" component="section" aria-label="Recent runs">
      <Stack gap={4}>
        <Group justify="space-between">
          <Title order={2}>Recent runs</Title>
          <TextLink to="/runs" size="sm">
            All runs
          </TextLink>
        </Group>
        {runs.isPending ? <LoadingRows rows={2} label="Loading runs" /> : null}
        {runs.isError ? <ProblemAlert error={runs.error} onRetry={() => void runs.refetch()} /> : null}
        {runs.data?.length === 0 ? (
          <Text size="sm" c="dimmed">
            None yet. Run the sample above.
          </Text>
        ) : null}
        {runs.data?.map((run) => (
          <Link key={run.id} to="/runs/$runId" params={{ runId: run.id }} className={classes["run"]}>
            <StatusBadge look={taskLook(run.status)} />
            <Text size="sm" fw={550} truncate style={{ flex: 1 }}>
              {visibleText(run.workflow.name)}
            </Text>
            <Text size="sm" c="dimmed">
              <Duration startedAt={run.startedAt} endedAt={run.endedAt} />
            </Text>
            <Text size="sm" c="dimmed">
              <RelativeTime at={run.createdAt} />
            </Text>
          </Link>
        ))}
      </Stack>
    </Paper>
  );
}
