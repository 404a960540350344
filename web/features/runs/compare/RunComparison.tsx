/** Two runs side by side: which tasks went another way, and with what. */
import { Select, Stack, Switch, Text } from "@mantine/core";
import type { CompareRunsResult, RunSummary } from "@logomesh/contracts";
import { useState } from "react";
import { EmptyState, LoadingRows, ProblemAlert } from "../../../components/States.tsx";
import { formatCount, formatExact, shortId } from "../../../lib/format.ts";
import { taskLook } from "../../../lib/status.ts";
import { ComparisonTable } from "./ComparisonTable.tsx";
import { useCandidates, useComparison } from "./queries.ts";

interface RunComparisonProps {
  run: RunSummary;
  other: string | undefined;
  onChoose: (other: string) => void;
}

export function RunComparison({ run, other, onChoose }: RunComparisonProps) {
  const candidates = useCandidates(run.workflow.name);
  if (candidates.isPending) return <LoadingRows label="Loading other runs" />;
  if (candidates.isError) return <ProblemAlert error={candidates.error} onRetry={() => void candidates.refetch()} />;
  const options = candidates.data
    .filter(({ id }) => id !== run.id)
    .map(({ id, createdAt, status }) => ({
      value: id,
      label: `${shortId(id)}, ${taskLook(status).label}, ${formatExact(createdAt)}`,
    }));
  // A linked run may be older than those that are offered.
  if (other !== undefined && !options.some(({ value }) => value === other)) {
    options.unshift({ value: other, label: shortId(other) });
  }
  if (options.length === 0) {
    return (
      <EmptyState title="There is no other run of this workflow" command={`script/logomesh run ${run.workflow.name}`}>
        Run it again, with other input or another version, and see here what went another way.
      </EmptyState>
    );
  }
  return (
    <Stack p="md" gap="md">
      <Select
        label="Compare with"
        placeholder="Choose a run"
        size="xs"
        maw={420}
        searchable
        data={options}
        value={other ?? null}
        allowDeselect={false}
        onChange={(chosen) => chosen !== null && onChoose(chosen)}
      />
      {other === undefined ? null : <Comparison key={other} a={run.id} b={other} />}
    </Stack>
  );
}

function Comparison({ a, b }: { a: string; b: string }) {
  const comparison = useComparison(a, b);
  const [isAll, setAll] = useState(false);
  if (comparison.isPending) return <LoadingRows label="Comparing" />;
  if (comparison.isError) return <ProblemAlert error={comparison.error} onRetry={() => void comparison.refetch()} />;
  const { tasks } = comparison.data;
  const shown = isAll ? tasks : tasks.filter(({ differences }) => differences.length > 0);
  return (
    <>
      <Text size="sm">{summaryOf(comparison.data)}</Text>
      <Switch
        size="sm"
        label="Show equal tasks too"
        checked={isAll}
        onChange={(event) => setAll(event.currentTarget.checked)}
      />
      {shown.length === 0 ? null : <ComparisonTable a={shortId(a)} b={shortId(b)} tasks={shown} />}
    </>
  );
}

function summaryOf({ identical, different, tasks, a, b }: CompareRunsResult): string {
  const definitions = a.workflow.hash === b.workflow.hash ? "the same definition" : "different definitions";
  if (identical) return `Both did the same, by ${definitions}: ${formatCount(tasks.length, "task")}.`;
  const count = `${formatCount(different, "task")} of ${tasks.length} ${different === 1 ? "differs" : "differ"}`;
  return `${count}, by ${definitions}.`;
}
