import { Alert, Button, Group, Stack, Text, UnstyledButton } from "@mantine/core";
import type { DefineWorkflowResult, InputProblem } from "@logomesh/contracts";
import { useCallback, useMemo, useState } from "react";
import { ProblemAlert } from "../../components/States.tsx";
import { StatusMark } from "../../components/StatusBadge.tsx";
import { CodeEditor, type EditorPlace } from "../../components/CodeEditor.tsx";
import { FlowGraph } from "../../components/graph/FlowGraph.tsx";
import { formatCount, visibleText } from "../../lib/format.ts";
import type { StatusLook } from "../../lib/status.ts";
import classes from "./WorkflowDetail.module.css";
import { useDefineWorkflow, useValidation } from "./queries.ts";
import { readSource, taskAt, type ReadSource } from "./editor/taskPlaces.ts";
import { useWorkflowLanguage } from "./editor/useWorkflowLanguage.ts";
import { versionOf, withNextVersion } from "./sourceVersion.ts";

interface SourceEditorProps {
  /** What is stored. */
  source: string;
  /** What to begin with instead. */
  draft?: string;
  /** Versions that are stored already. */
  taken: readonly string[];
  onStored: (stored: DefineWorkflowResult) => void;
}

const NONE: readonly InputProblem[] = [];
const FAULT: StatusLook = { tone: "bad", icon: "cross", label: "Problem" };
const WARNING: StatusLook = { tone: "uncertain", icon: "warning", label: "Warning" };
const FINE: StatusLook = { tone: "good", icon: "check", label: "Valid" };

/** The YAML with its problems, and beside it the graph that it makes. */
export function SourceEditor({ source, draft = source, taken, onStored }: SourceEditorProps) {
  const [text, setText] = useState(draft);
  const [goTo, setGoTo] = useState<EditorPlace>();
  const { validation, settled } = useValidation(text);
  const define = useDefineWorkflow();
  const language = useWorkflowLanguage();
  const { read, isCurrent } = useReadSource(settled);
  const [caret, setCaret] = useState<number>();
  const selected = caret === undefined || read === undefined ? undefined : taskAt(read.tasks, caret)?.reference;
  const showTask = useCallback(
    (reference: string): void => {
      const task = read?.tasks.find((place) => place.reference === reference);
      if (task !== undefined) setGoTo({ line: task.line, column: task.column });
    },
    [read],
  );
  const isChanged = text !== source;
  const next = useMemo(() => {
    const version = versionOf(settled);
    return version !== undefined && taken.includes(version) ? withNextVersion(settled, taken) : undefined;
  }, [settled, taken]);
  const problems = validation.data?.problems ?? NONE;
  const warnings = validation.data?.warnings ?? NONE;
  const save = (whole: string): void => {
    setText(whole);
    define.mutate(whole, { onSuccess: onStored });
  };

  return (
    <>
      <div className={classes["editor"]}>
        <Group px="sm" py={6} gap="sm" style={{ borderBottom: "1px solid var(--lm-line)" }}>
          <Button
            size="compact-sm"
            disabled={!isChanged || problems.length > 0 || settled !== text}
            loading={define.isPending}
            onClick={() => save(next?.source ?? text)}
          >
            {next === undefined ? "Save" : `Save as ${next.version}`}
          </Button>
          {text === draft ? null : (
            <Button size="compact-sm" variant="subtle" onClick={() => setText(draft)}>
              Undo changes
            </Button>
          )}
          <Text size="xs" c="dimmed">
            Saving stores a new version and grants what it names. Runs keep the version they started with.
          </Text>
        </Group>
        <CodeEditor
          language={language}
          onCaret={setCaret}
          value={text}
          onChange={setText}
          label="Source of the workflow"
          problems={problems}
          warnings={warnings}
          goTo={goTo}
        />
        {define.isError ? <ProblemAlert error={define.error} /> : null}
        {define.isSuccess ? <Stored stored={define.data} /> : null}
        {validation.isError ? (
          <ProblemAlert error={validation.error} onRetry={() => void validation.refetch()} />
        ) : (
          <div className={classes["problems"]} role="region" aria-label="Problems">
            {problems.length + warnings.length === 0 ? (
              <Group gap={6} py={2}>
                <StatusMark look={FINE} size={14} />
                <Text size="sm">{validation.isPending ? "Checking" : "No problems"}</Text>
              </Group>
            ) : null}
            {problems.map((problem) => (
              <ProblemLine key={keyOf(problem)} look={FAULT} problem={problem} onGo={setGoTo} />
            ))}
            {warnings.map((problem) => (
              <ProblemLine key={keyOf(problem)} look={WARNING} problem={problem} onGo={setGoTo} />
            ))}
          </div>
        )}
      </div>
      {read === undefined ? (
        <Text c="dimmed" p="xl" style={{ flex: 1 }}>
          The graph appears when the text is valid YAML.
        </Text>
      ) : (
        <div className={classes["drawing"]}>
          {isCurrent ? null : <span className={classes["outdated"]}>As of the last valid text</span>}
          <FlowGraph definition={read.definition} selected={selected} onSelect={showTask} areAllSelectable />
        </div>
      )}
    </>
  );
}

/** What the text says, or, while it says nothing, what it last said. */
function useReadSource(text: string): { read: ReadSource | undefined; isCurrent: boolean } {
  const now = useMemo(() => readSource(text), [text]);
  const [last, setLast] = useState(now);
  if (now !== undefined && now !== last) setLast(now);
  return { read: now ?? last, isCurrent: now !== undefined };
}

function keyOf({ pointer, message, line }: InputProblem): string {
  return `${line ?? 0} ${pointer} ${message}`;
}

interface ProblemLineProps {
  look: StatusLook;
  problem: InputProblem;
  onGo: (place: { line: number }) => void;
}

function ProblemLine({ look, problem, onGo }: ProblemLineProps) {
  return (
    <UnstyledButton className={classes["problem"] ?? ""} onClick={() => onGo({ line: problem.line ?? 1 })}>
      <span style={{ alignSelf: "center", lineHeight: 0 }}>
        <StatusMark look={look} size={14} />
      </span>
      <span style={{ whiteSpace: "nowrap" }}>
        {look.label}, line {problem.line ?? "?"}
      </span>
      <span>{visibleText(problem.message)}</span>
      <Text span size="xs" c="dimmed" ff="monospace">
        {problem.pointer}
      </Text>
    </UnstyledButton>
  );
}

function Stored({ stored }: { stored: DefineWorkflowResult }) {
  return (
    <Alert color="green" variant="light" m="xs" p="xs" styles={{ message: { color: "var(--mantine-color-text)" } }}>
      <Stack gap={2}>
        <Text size="sm">
          Stored {stored.name} {stored.version}. It may: {formatCount(stored.grants.length, "grant")}.
        </Text>
        {stored.grants.map(({ action, resource }) => (
          <Text key={`${action} ${resource}`} size="xs">
            {action} {visibleText(resource)}
          </Text>
        ))}
      </Stack>
    </Alert>
  );
}
