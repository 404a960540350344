import { ActionIcon, Group, Stack, Text, Title } from "@mantine/core";
import type { JsonObject, RunTaskSummary, RunTaskView } from "@logomesh/contracts";
import { IconX } from "@tabler/icons-react";
import { useState } from "react";
import { Duration, Fact, RelativeTime } from "../../components/Facts.tsx";
import { JsonView } from "../../components/JsonView.tsx";
import { TextLink } from "../../components/links.tsx";
import { MockNote } from "../../components/MockNote.tsx";
import { LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { StoredProblem } from "../../components/StoredProblem.tsx";
import { formatCount, visibleText } from "../../lib/format.ts";
import { taskLook } from "../../lib/status.ts";
import { Payload } from "./Payload.tsx";
import { factsOf } from "./taskFacts.ts";
import { useRunTask, useRunText, useWholeRunTask } from "./queries.ts";
import classes from "./RunDetail.module.css";

interface TaskPanelProps {
  runId: string;
  seq: number;
  /** As the list knows it: newer than the whole task while that is fetched. */
  summary: RunTaskSummary | undefined;
  onClose: () => void;
}

/** Input, output, error and facts of one task. */
export function TaskPanel({ runId, seq, summary, onClose }: TaskPanelProps) {
  const whole = useRunTask(runId, seq);
  const task = summary ?? whole.data;
  return (
    <aside className={classes["task"]} aria-label="Task">
      <Stack p="md" gap="sm">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Group gap="sm">
            <Title order={2} size="h3">
              {task === undefined ? `Task ${seq}` : visibleText(task.name)}
            </Title>
            {task === undefined ? null : <StatusBadge look={taskLook(task.status)} />}
            {task?.details?.["simulated"] === true ? <MockNote hint={undefined} /> : null}
          </Group>
          <ActionIcon variant="subtle" color="gray" aria-label="Close the task" onClick={onClose}>
            <IconX size={16} />
          </ActionIcon>
        </Group>
        {task === undefined ? null : <TaskFacts task={task} />}
        {task?.error === undefined ? null : <StoredProblem error={task.error} />}
        {task?.status === "running" ? <LiveText runId={runId} seq={seq} /> : null}
        {whole.isPending ? <LoadingRows rows={2} label="Loading the task" /> : null}
        {whole.isError ? <ProblemAlert error={whole.error} onRetry={() => void whole.refetch()} /> : null}
        {whole.isSuccess ? <TaskData runId={runId} task={whole.data} /> : null}
      </Stack>
    </aside>
  );
}

function TaskFacts({ task }: { task: RunTaskSummary }) {
  const { known, rest, auditSeq } = factsOf(task.details ?? {});
  return (
    <Stack gap={2}>
      <Fact name="Type">{task.call === undefined ? task.type : `${task.type} ${task.call}`}</Fact>
      {known.map(({ name, value }) => (
        <Fact key={name} name={name}>
          {visibleText(value)}
        </Fact>
      ))}
      <Fact name="Effect">{task.effect}</Fact>
      <Fact name="Attempt">
        {task.attempt}
        {task.iteration === undefined ? "" : `, iteration ${task.iteration}`}
      </Fact>
      <Fact name="Took">
        <Duration startedAt={task.startedAt} endedAt={task.endedAt} />
      </Fact>
      {task.startedAt === undefined ? null : (
        <Fact name="Started">
          <RelativeTime at={task.startedAt} />
        </Fact>
      )}
      <Fact name="Reference">
        <Text span size="xs" ff="monospace">
          {task.reference}
        </Text>
      </Fact>
      {auditSeq === undefined ? null : (
        <TextLink to="/audit/$seq" params={{ seq: String(auditSeq) }} size="sm">
          Audit entry {auditSeq}
        </TextLink>
      )}
      {Object.keys(rest).length === 0 ? null : <Details details={rest} />}
    </Stack>
  );
}

function Details({ details }: { details: JsonObject }) {
  return (
    <Stack gap="xs" mt="xs">
      <Title order={3} size="sm">
        Details
      </Title>
      <JsonView value={details} label="details of the task" />
    </Stack>
  );
}

function LiveText({ runId, seq }: { runId: string; seq: number }) {
  const { data: text } = useRunText(runId, seq);
  if (text === undefined || text === "") return null;
  return (
    <Stack gap="xs">
      <Title order={3} size="sm">
        The model is writing ({formatCount(text.length, "character")})
      </Title>
      <div className={classes["stream"]} tabIndex={0} role="log" aria-label="Text of the model">
        {visibleText(text)}
      </div>
    </Stack>
  );
}

function TaskData({ runId, task }: { runId: string; task: RunTaskView }) {
  const [isAsked, setAsked] = useState(false);
  const whole = useWholeRunTask(runId, task.seq, isAsked);
  const load = { isLoading: isAsked && whole.isPending, onLoad: () => setAsked(true) };
  return (
    <>
      <Title order={3} size="sm">
        Output
      </Title>
      <Payload
        value={task.output ?? whole.data?.output}
        bytes={task.outputBytes}
        label="output of the task"
        empty={task.endedAt === undefined ? "The task has not ended yet." : "The task gave no output."}
        {...load}
      />
      <Title order={3} size="sm">
        Input
      </Title>
      <Payload
        value={task.input ?? whole.data?.input}
        bytes={task.inputBytes}
        label="input of the task"
        empty="No input is stored for this task."
        {...load}
      />
      {whole.isError ? <ProblemAlert error={whole.error} onRetry={() => void whole.refetch()} /> : null}
    </>
  );
}
