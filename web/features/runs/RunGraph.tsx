import type { RunTaskSummary } from "@logomesh/contracts";
import { Suspense, lazy, useCallback, useMemo } from "react";
import { LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { taskStates } from "../../lib/graph/taskStates.ts";
import { useRunDefinition } from "./queries.ts";

const FlowGraph = lazy(async () => ({ default: (await import("../../components/graph/FlowGraph.tsx")).FlowGraph }));

interface RunGraphProps {
  runId: string;
  tasks: readonly RunTaskSummary[];
  selected: string | undefined;
  onSelect: (seq: number) => void;
}

/** The definition that the run is pinned to, lit up by its tasks. */
export function RunGraph({ runId, tasks, selected, onSelect }: RunGraphProps) {
  const definition = useRunDefinition(runId);
  const states = useMemo(() => taskStates(tasks), [tasks]);
  const select = useCallback(
    (reference: string) => {
      const seq = states.get(reference)?.seq;
      if (seq !== undefined) onSelect(seq);
    },
    [states, onSelect],
  );
  if (definition.isPending) return <LoadingRows label="Loading the graph" />;
  if (definition.isError) return <ProblemAlert error={definition.error} onRetry={() => void definition.refetch()} />;
  return (
    <Suspense fallback={<LoadingRows label="Loading the graph" />}>
      <FlowGraph definition={definition.data.definition} states={states} selected={selected} onSelect={select} />
    </Suspense>
  );
}
