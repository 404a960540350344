import { Anchor, Text } from "@mantine/core";
import type { RunTaskSummary, WorkflowError } from "@logomesh/contracts";
import { visibleText } from "../../lib/format.ts";
import { problemOfStored } from "../../lib/problems.ts";

interface RunFaultProps {
  error: WorkflowError;
  tasks: readonly RunTaskSummary[];
  onSelect: (seq: number) => void;
}

/** Why a run faulted, in its header: what it says and the way to the task where it happened. */
export function RunFault({ error, tasks, onSelect }: RunFaultProps) {
  const { title, detail } = problemOfStored(error);
  const task = tasks.findLast(({ reference, status }) => reference === error.instance && status === "faulted");
  return (
    <Text size="sm" c="var(--lm-bad)" style={{ overflowWrap: "anywhere" }}>
      {visibleText(detail ?? title)}{" "}
      {task === undefined ? null : (
        <Anchor component="button" type="button" size="sm" onClick={() => onSelect(task.seq)}>
          Show “{visibleText(task.name)}”
        </Anchor>
      )}
    </Text>
  );
}
