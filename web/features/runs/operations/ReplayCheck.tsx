import { Alert, Anchor, Code, Text } from "@mantine/core";
import type { ReplayRunResult } from "@logomesh/contracts";
import { useMutation } from "@tanstack/react-query";
import { ProblemAlert } from "../../../components/States.tsx";
import { useApi } from "../../../lib/api.ts";
import { formatCount, visibleText } from "../../../lib/format.ts";

/** Runs the interpreter over the journal again, without effects: what it makes of it must be what is stored. */
export function ReplayCheck({ runId }: { runId: string }) {
  const api = useApi();
  const replay = useMutation({ mutationFn: () => api.replayRun({ params: { id: runId } }) });
  return (
    <>
      <Anchor component="button" type="button" size="sm" disabled={replay.isPending} onClick={() => replay.mutate()}>
        {replay.isPending ? "Replaying" : "Check by replay"}
      </Anchor>
      {replay.isError ? <ProblemAlert error={replay.error} /> : null}
      {replay.isSuccess ? <ReplayResult result={replay.data} /> : null}
    </>
  );
}

function ReplayResult({ result: { identical, events, tasks, difference } }: { result: ReplayRunResult }) {
  const counts = `${formatCount(events, "event")}, ${formatCount(tasks, "task")}`;
  if (identical) {
    return (
      <Text size="sm" role="status" c="var(--lm-good)">
        Replayed without effects: identical with what is stored ({counts}).
      </Text>
    );
  }
  return (
    <Alert color="red" variant="light" w="100%" title="The replay differs from what is stored. Please report it.">
      <Text size="sm">
        {counts}. First difference: {visibleText(difference?.field ?? "?")}
        {difference?.reference === undefined ? "" : ` of ${visibleText(difference.reference)}`}
      </Text>
      {difference === undefined ? null : (
        <Text size="xs" style={{ overflowWrap: "anywhere" }}>
          stored <Code>{visibleText(difference.recorded)}</Code>, replayed{" "}
          <Code>{visibleText(difference.replayed)}</Code>
        </Text>
      )}
    </Alert>
  );
}
