import { Button, Group, Text, UnstyledButton } from "@mantine/core";
import type { InputProblem } from "@logomesh/contracts";
import { useMemo, useState } from "react";
import { CodeEditor } from "../../components/CodeEditor.tsx";
import { ProblemAlert } from "../../components/States.tsx";
import { StatusMark } from "../../components/StatusBadge.tsx";
import { visibleText } from "../../lib/format.ts";
import type { StatusLook } from "../../lib/status.ts";
import { ChangePreview } from "./ChangePreview.tsx";
import classes from "./PolicyPage.module.css";
import { CEDAR } from "./cedarLanguage.ts";
import { lineOfRule, problemsOf } from "./constitutionText.ts";
import { usePreview, useSaveConstitution } from "./queries.ts";

interface ConstitutionEditorProps {
  /** What the draft was made from. */
  saved: string;
  baseSha256: string | undefined;
  draft: string;
  /** The file holds another text by now. */
  isOutdated: boolean;
  /** The caret goes to this rule. */
  rule: string | undefined;
  onChange: (text: string) => void;
  onSaved: (sha256: string) => void;
}

const NONE: readonly InputProblem[] = [];
const FAULT: StatusLook = { tone: "bad", icon: "cross", label: "Problem" };
const FINE: StatusLook = { tone: "good", icon: "check", label: "Valid" };

/** The text with its problems, and beside it what putting it in force would change. */
export function ConstitutionEditor(props: ConstitutionEditorProps) {
  const { saved, baseSha256, draft, isOutdated, rule, onChange, onSaved } = props;
  const { preview, isSettled } = usePreview(draft);
  const save = useSaveConstitution();
  const place = useRulePlace(saved, rule);
  const [asked, setAsked] = useState<{ line: number }>();
  const problems = useMemo(() => problemsOf(preview.error) ?? NONE, [preview.error]);
  const isValid = isSettled && preview.isSuccess;
  const putInForce = (): void =>
    save.mutate(
      { text: draft, ...(baseSha256 === undefined ? {} : { baseSha256 }) },
      { onSuccess: ({ sha256 }) => onSaved(sha256) },
    );
  return (
    <div className={classes["panes"]}>
      <div className={classes["editor"]}>
        <Group px="sm" py={6} gap="sm" className={classes["bar"] ?? ""}>
          <Button
            size="compact-sm"
            disabled={draft === saved || !isValid || isOutdated}
            loading={save.isPending}
            onClick={putInForce}
          >
            Put in force
          </Button>
          {draft === saved ? null : (
            <Button size="compact-sm" variant="subtle" onClick={() => onChange(saved)}>
              Undo changes
            </Button>
          )}
          <Text size="xs" c="dimmed">
            It holds from the next decision on. The log keeps both versions.
          </Text>
        </Group>
        <CodeEditor
          language={CEDAR}
          value={draft}
          onChange={onChange}
          label="Text of the constitution"
          problems={problems}
          warnings={NONE}
          goTo={asked ?? place}
        />
        {save.isError ? <ProblemAlert error={save.error} /> : null}
        <div className={classes["problems"]} role="region" aria-label="Problems">
          {problems.length === 0 ? (
            <Group gap={6} py={2}>
              <StatusMark look={FINE} size={14} />
              <Text size="sm">{isValid ? "No problems" : "Checking"}</Text>
            </Group>
          ) : null}
          {problems.map(({ message, line = 1, column = 1 }) => (
            <UnstyledButton key={message} className={classes["problem"] ?? ""} onClick={() => setAsked({ line })}>
              <span style={{ alignSelf: "center", lineHeight: 0 }}>
                <StatusMark look={FAULT} size={14} />
              </span>
              <span style={{ whiteSpace: "nowrap" }}>
                Line {line}, column {column}
              </span>
              <span>{visibleText(message)}</span>
            </UnstyledButton>
          ))}
        </div>
      </div>
      <section className={classes["changes"]} aria-label="What it changes">
        {preview.isError && problems.length === 0 ? (
          <ProblemAlert error={preview.error} onRetry={() => void preview.refetch()} />
        ) : (
          <ChangePreview
            change={isValid ? preview.data : undefined}
            isChanged={draft !== saved}
            hasProblems={problems.length > 0}
            isSaved={save.isSuccess && draft === saved}
          />
        )}
      </section>
    </div>
  );
}

/** Where a linked rule begins. The same object as long as it is the same place, so that the caret goes there once. */
function useRulePlace(text: string, rule: string | undefined): { line: number } | undefined {
  const line = rule === undefined ? undefined : lineOfRule(text, rule);
  return useMemo(() => (line === undefined ? undefined : { line }), [line]);
}
