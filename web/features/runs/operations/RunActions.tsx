import { Button, Group, Popover, Stack, Text } from "@mantine/core";
import { isTerminalRunStatus, type RunSummary, type RunTaskSummary } from "@logomesh/contracts";
import { IconPlayerPause, IconPlayerPlay, IconPlayerStop, IconRotate, type TablerIcon } from "@tabler/icons-react";
import { Suspense, lazy, useState, type ReactNode } from "react";
import { ProblemAlert } from "../../../components/States.tsx";
import { ButtonLink } from "../../../components/links.tsx";
import { useCancelRun, useContinueRun, useSuspendRun } from "./queries.ts";
import { unknownSteps } from "./stepDecisions.ts";

const ContinueModal = lazy(async () => ({ default: (await import("./ContinueModal.tsx")).ContinueModal }));

interface RunActionsProps {
  run: RunSummary;
  tasks: readonly RunTaskSummary[];
}

/** What can be done with a run in its state. */
export function RunActions({ run, tasks }: RunActionsProps) {
  const isOver = isTerminalRunStatus(run.status);
  const { namespace, name } = run.workflow;
  const steps = unknownSteps(tasks);
  const isLeft = run.status === "suspended" || (!isOver && steps.length > 0);
  return (
    <>
      {isLeft ? <ContinueButton runId={run.id} how="resume" steps={steps} /> : null}
      {run.status === "faulted" || run.status === "cancelled" ? (
        <ContinueButton runId={run.id} how="retry" steps={steps} />
      ) : null}
      {isOver || isLeft ? null : <SuspendButton runId={run.id} />}
      {isOver ? null : <CancelButton runId={run.id} />}
      <ButtonLink
        to="/workflows/$namespace/$name"
        params={{ namespace, name }}
        search={{ tab: "start" }}
        size="compact-sm"
        variant="default"
      >
        {isOver ? "Run again" : "Start another"}
      </ButtonLink>
    </>
  );
}

interface ContinueButtonProps {
  runId: string;
  how: "resume" | "retry";
  steps: readonly RunTaskSummary[];
}

/** Goes on at once when nothing is to be decided. */
function ContinueButton({ runId, how, steps }: ContinueButtonProps) {
  const goOn = useContinueRun(runId, how);
  const [isDeciding, setDeciding] = useState(false);
  const hasToDecide = steps.length > 0;
  if (!hasToDecide) {
    return (
      <AskedButton
        label={how === "resume" ? "Resume" : "Retry"}
        Icon={how === "resume" ? IconPlayerPlay : IconRotate}
        question={
          how === "resume"
            ? "The run goes on where it was left."
            : "The run goes on from the task that failed. Steps that are recorded are not repeated."
        }
        yes={how === "resume" ? "Resume the run" : "Retry the run"}
        no="Not now"
        isPending={goOn.isPending}
        error={goOn.error}
        onYes={(onDone) => goOn.mutate({}, { onSuccess: onDone })}
      />
    );
  }
  return (
    <>
      <Button
        size="compact-sm"
        leftSection={<IconPlayerPlay size={14} aria-hidden />}
        onClick={() => setDeciding(true)}
      >
        Decide and {how}…
      </Button>
      {isDeciding ? (
        <Suspense>
          <ContinueModal runId={runId} how={how} steps={steps} onClose={() => setDeciding(false)} />
        </Suspense>
      ) : null}
    </>
  );
}

function SuspendButton({ runId }: { runId: string }) {
  const suspend = useSuspendRun(runId);
  return (
    <AskedButton
      label="Suspend"
      Icon={IconPlayerPause}
      question="What runs now is stopped or finished; the run then stays as it is until it is resumed."
      yes="Suspend the run"
      no="Let it run"
      isPending={suspend.isPending}
      error={suspend.error}
      onYes={(onDone) => suspend.mutate(undefined, { onSuccess: onDone })}
    />
  );
}

function CancelButton({ runId }: { runId: string }) {
  const cancel = useCancelRun(runId);
  return (
    <AskedButton
      label="Cancel"
      Icon={IconPlayerStop}
      question="The plugin calls and model calls of this run are stopped. What it has already stored stays. A cancelled run does not continue by itself."
      yes="Cancel the run"
      no="Let it run"
      isDangerous
      isPending={cancel.isPending}
      error={cancel.error}
      onYes={(onDone) => cancel.mutate(undefined, { onSuccess: onDone })}
    />
  );
}

interface AskedButtonProps {
  label: string;
  Icon: TablerIcon;
  question: ReactNode;
  yes: string;
  no: string;
  isDangerous?: boolean;
  isPending: boolean;
  error: Error | null;
  onYes: (onDone: () => void) => void;
}

/** Says what will happen and asks once. */
function AskedButton(props: AskedButtonProps) {
  const { label, Icon, question, yes, no, isDangerous = false, isPending, error, onYes } = props;
  const [isAsking, setAsking] = useState(false);
  return (
    <Popover opened={isAsking} onChange={setAsking} width={280} position="bottom-end" withArrow trapFocus>
      <Popover.Target>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<Icon size={14} aria-hidden />}
          loading={isPending}
          onClick={() => setAsking(true)}
        >
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
          <Text size="sm">{question}</Text>
          <Group gap="xs">
            <Button
              size="compact-sm"
              {...(isDangerous ? { color: "red" } : {})}
              onClick={() => onYes(() => setAsking(false))}
            >
              {yes}
            </Button>
            <Button size="compact-sm" variant="subtle" onClick={() => setAsking(false)}>
              {no}
            </Button>
          </Group>
          {error === null ? null : <ProblemAlert error={error} />}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
