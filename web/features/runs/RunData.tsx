import { Stack, Title } from "@mantine/core";
import { isTerminalRunStatus, type RunView } from "@logomesh/contracts";
import { useState } from "react";
import { ProblemAlert } from "../../components/States.tsx";
import { StoredProblem } from "../../components/StoredProblem.tsx";
import { Payload } from "./Payload.tsx";
import { useWholeRun } from "./queries.ts";

export function RunData({ run }: { run: RunView }) {
  const [isAsked, setAsked] = useState(false);
  const whole = useWholeRun(run.id, isAsked);
  const load = { isLoading: isAsked && whole.isPending, onLoad: () => setAsked(true) };
  return (
    <Stack p="md" gap="md">
      {run.error === undefined ? null : <StoredProblem error={run.error} />}
      <Title order={2} size="h3">
        Output
      </Title>
      <Payload
        value={run.output ?? whole.data?.output}
        bytes={run.outputBytes}
        label="output of the run"
        empty={isTerminalRunStatus(run.status) ? "The run gave no output." : "The run has not ended yet."}
        {...load}
      />
      <Title order={2} size="h3">
        Input
      </Title>
      <Payload
        value={run.input ?? whole.data?.input}
        bytes={run.inputBytes}
        label="input of the run"
        empty="The run was started without input."
        {...load}
      />
      {whole.isError ? <ProblemAlert error={whole.error} onRetry={() => void whole.refetch()} /> : null}
    </Stack>
  );
}
