import { Group, Select, Stack, Text } from "@mantine/core";
import type { WorkflowDetail } from "@logomesh/contracts";
import { useMemo } from "react";
import { DiffView } from "../../components/DiffView.tsx";
import { CopyId, Fact, RelativeTime } from "../../components/Facts.tsx";
import { EmptyState, LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { ButtonLink } from "../../components/links.tsx";
import { compareTexts } from "../../lib/compareTexts.ts";
import { visibleText } from "../../lib/format.ts";
import { useWorkflow } from "./queries.ts";

interface VersionsTabProps {
  workflow: WorkflowDetail;
  /** What the shown version is compared with; without it the one before. */
  base: string | undefined;
  onChange: (choice: { version?: string; base?: string }) => void;
}

/** What changed from one version to another. */
export function VersionsTab({ workflow, base, onChange }: VersionsTabProps) {
  const { namespace, name, version, versions } = workflow;
  const before = base ?? versions[versions.indexOf(version) + 1];
  if (versions.length === 1) {
    return (
      <EmptyState
        title="One version so far"
        command={`script/logomesh workflow push workflows/${name}.yaml`}
        action={
          <ButtonLink to="/workflows/$namespace/$name" params={{ namespace, name }} search={{ tab: "source" }}>
            Edit the source
          </ButtonLink>
        }
      >
        Each change is stored as a version of its own; here you see what changed between any two.
      </EmptyState>
    );
  }
  return (
    <Stack p="md" gap="md">
      <Group gap="sm" align="flex-end">
        <Select
          size="xs"
          w={140}
          label="From"
          placeholder="nothing before"
          data={versions.filter((known) => known !== version)}
          value={before ?? null}
          allowDeselect={false}
          onChange={(chosen) => chosen !== null && onChange({ base: chosen })}
        />
        <Select
          size="xs"
          w={140}
          label="To"
          data={[...versions]}
          value={version}
          allowDeselect={false}
          onChange={(chosen) => chosen !== null && onChange({ version: chosen })}
        />
      </Group>
      {before === undefined ? (
        <Text size="sm" c="dimmed">
          {version} is the first version. Choose what to compare it with.
        </Text>
      ) : (
        <Comparison key={before} workflow={workflow} before={before} />
      )}
    </Stack>
  );
}

function Comparison({ workflow, before }: { workflow: WorkflowDetail; before: string }) {
  const { namespace, name, source } = workflow;
  const other = useWorkflow({ namespace, name, version: before });
  const review = useMemo(
    () => (other.data === undefined ? undefined : compareTexts(other.data.source, source)),
    [other.data, source],
  );
  if (other.isPending) return <LoadingRows label="Loading the other version" />;
  if (other.isError) return <ProblemAlert error={other.error} onRetry={() => void other.refetch()} />;
  return (
    <>
      <Group gap="2px var(--mantine-spacing-lg)">
        {[other.data, workflow].map(({ version, hash, createdAt, origin }) => (
          <Fact key={version} name={version}>
            stored <RelativeTime at={createdAt} /> from {visibleText(origin)}, hash <CopyId id={hash} name="hash" />
          </Fact>
        ))}
      </Group>
      {review === undefined ? (
        <Text size="sm">They differ in too much to show what changed.</Text>
      ) : review.lines.length === 0 ? (
        <Text size="sm">The text is the same.</Text>
      ) : (
        <DiffView review={review} />
      )}
    </>
  );
}
