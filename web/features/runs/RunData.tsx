import { Stack, Title } from "@mantine/core";
import { isTerminalRunStatus, type Run } from "@logomesh/contracts";
import { JsonView } from "../../components/JsonView.tsx";
import { StoredProblem } from "../../components/StoredProblem.tsx";

export function RunData({ run }: { run: Run }) {
  return (
    <Stack p="md" gap="md">
      {run.error === undefined ? null : <StoredProblem error={run.error} />}
      <Title order={2} size="h3">
        Output
      </Title>
      <JsonView
        value={run.output}
        label="output of the run"
        empty={isTerminalRunStatus(run.status) ? "The run gave no output." : "The run has not ended yet."}
      />
      <Title order={2} size="h3">
        Input
      </Title>
      <JsonView value={run.input} label="input of the run" empty="The run was started without input." />
    </Stack>
  );
}
