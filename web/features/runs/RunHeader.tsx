import { Group, Progress, Stack, Text } from "@mantine/core";
import { isTerminalRunStatus, type Run, type RunTaskSummary } from "@logomesh/contracts";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { DetailHeader } from "../../components/DetailHeader.tsx";
import { CopyId, Duration, Fact, RelativeTime } from "../../components/Facts.tsx";
import { TextLink } from "../../components/links.tsx";
import { MarkNote } from "../../components/MarkNote.tsx";
import { MockNote } from "../../components/MockNote.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { useApi } from "../../lib/api.ts";
import { formatCount, visibleText } from "../../lib/format.ts";
import { progressOf } from "../../lib/graph/taskStates.ts";
import { queryKeys } from "../../lib/queryKeys.ts";
import { taskLook, type StatusLook } from "../../lib/status.ts";
import { RunFault } from "./RunFault.tsx";
import { ReplayCheck } from "./operations/ReplayCheck.tsx";
import { RunActions } from "./operations/RunActions.tsx";

const listRoute = getRouteApi("/runs");

interface RunHeaderProps {
  run: Run;
  tasks: readonly RunTaskSummary[];
  onSelect: (seq: number) => void;
}

export function RunHeader({ run, tasks, onSelect }: RunHeaderProps) {
  const navigate = useNavigate();
  const filter = listRoute.useSearch();
  const api = useApi();
  const status = useQuery({ queryKey: queryKeys.status, queryFn: ({ signal }) => api.getStatus({ signal }) });
  const isOver = isTerminalRunStatus(run.status);
  const { name, version } = run.workflow;
  const progress = progressOf(tasks);
  return (
    <DetailHeader
      title={name}
      badge={
        <>
          <StatusBadge look={taskLook(run.status)} />
          {run.simulated === true ? <MockNote hint={status.data?.model.hint} /> : null}
          {run.tainted === true ? <MarkNote look={PRIVATE} note={PRIVATE_NOTE} /> : null}
        </>
      }
      actions={<RunActions run={run} tasks={tasks} />}
      onClose={() => void navigate({ to: "/runs", search: filter })}
    >
      <Group gap="2px var(--mantine-spacing-lg)">
        <Fact name="Run">
          <CopyId id={run.id} name="run id" />
        </Fact>
        <Fact name="Version">{version}</Fact>
        <Fact name="Started">
          <RelativeTime at={run.startedAt ?? run.createdAt} />
        </Fact>
        <Fact name="Took">
          <Duration startedAt={run.startedAt} endedAt={run.endedAt} />
        </Fact>
        {run.startedBy === undefined ? null : <Fact name="By">{run.startedBy}</Fact>}
        {run.recoveries > 0 ? <Fact name="Continued after">{formatCount(run.recoveries, "crash")}</Fact> : null}
        <TextLink to="/audit" search={{ run: run.id }} size="sm">
          Audit entries
        </TextLink>
        {isOver ? <ReplayCheck key={run.id} runId={run.id} /> : null}
      </Group>
      {run.statusReason === undefined ? null : <Text size="sm">{visibleText(run.statusReason)}</Text>}
      {run.error === undefined ? null : <RunFault error={run.error} tasks={tasks} onSelect={onSelect} />}
      {isOver ? null : (
        <Stack gap={2}>
          <Progress
            value={progress.total === 0 ? 0 : (100 * progress.done) / progress.total}
            size="sm"
            aria-label={`${progress.done} of ${formatCount(progress.total, "started task")} done`}
          />
        </Stack>
      )}
    </DetailHeader>
  );
}

const PRIVATE: StatusLook = { tone: "waiting", icon: "lock", label: "private data" };

const PRIVATE_NOTE =
  "A step of this run read private data: a thought, a file. What follows stays on this machine, if the constitution says so.";
