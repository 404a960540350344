import { Alert, Button, Code, Group, Stack, Text } from "@mantine/core";
import type { Constitution } from "@logomesh/contracts";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { ListHeader } from "../../components/ListHeader.tsx";
import { LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { formatCount, visibleText } from "../../lib/format.ts";
import { ConstitutionEditor } from "./ConstitutionEditor.tsx";
import classes from "./PolicyPage.module.css";
import { useConstitution } from "./queries.ts";

const route = getRouteApi("/policy");

/** The constitution: what is in force, and the text, with what an edit of it would change. */
export function PolicyPage() {
  const constitution = useConstitution();
  if (constitution.isPending) return <LoadingRows label="Loading the constitution" />;
  if (constitution.isError)
    return <ProblemAlert error={constitution.error} onRetry={() => void constitution.refetch()} />;
  return <Loaded constitution={constitution.data} />;
}

function Loaded({ constitution }: { constitution: Constitution }) {
  const { rule } = route.useSearch();
  const { text = "", sha256, inForce, file } = constitution;
  // What is edited stays what it is when the file changes under it: that is said, and decided by the person.
  const [base, setBase] = useState({ text, sha256 });
  const [draft, setDraft] = useState(text);
  const isOutdated = sha256 !== base.sha256;
  const isUntouched = draft === base.text;
  const takeOver = (): void => {
    setBase({ text, sha256 });
    setDraft(text);
  };
  if (isOutdated && isUntouched) takeOver();
  return (
    <div className={classes["page"]}>
      <ListHeader title="Constitution">
        <Text size="sm" c="dimmed" maw={720}>
          Rules that no grant, plugin or workflow can overrule. {formatCount(inForce?.rules.length ?? 0, "rule")} in
          force, from <Code>{visibleText(file)}</Code>
        </Text>
      </ListHeader>
      <Banner constitution={constitution} />
      {isOutdated && !isUntouched ? (
        <Alert
          color="yellow"
          variant="light"
          m="md"
          role="alert"
          title="The file was changed by another program"
          styles={{ title: { color: "var(--lm-uncertain)" }, message: { color: "var(--mantine-color-text)" } }}
        >
          <Stack gap="xs" align="flex-start">
            <Text size="sm">
              Your text was made from what it held before. Nothing of either is lost until you decide.
            </Text>
            <Group gap="xs">
              <Button size="compact-sm" variant="default" onClick={takeOver}>
                Take the file&apos;s text
              </Button>
              <Button size="compact-sm" variant="default" onClick={() => setBase({ text, sha256 })}>
                Keep mine, and put it over that
              </Button>
            </Group>
          </Stack>
        </Alert>
      ) : null}
      <ConstitutionEditor
        {...{ draft, rule, isOutdated }}
        saved={base.text}
        baseSha256={base.sha256}
        onChange={setDraft}
        onSaved={(next) => setBase({ text: draft, sha256: next })}
      />
    </div>
  );
}

/** What holds when the file is not in force. */
function Banner({ constitution: { inForce, problem } }: { constitution: Constitution }) {
  if (problem === undefined) return null;
  const length = inForce?.rules.length ?? 0;
  return (
    <Alert
      color="red"
      variant="light"
      m="md"
      role="alert"
      title={
        inForce === undefined
          ? "Nothing privileged runs until the constitution is repaired"
          : `What the file holds is not in force; its last good version, with ${formatCount(length, "rule")}, is`
      }
      styles={{ title: { color: "var(--lm-bad)" }, message: { color: "var(--mantine-color-text)" } }}
    >
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {visibleText(problem.detail ?? problem.title)}
      </Text>
    </Alert>
  );
}
