import { Group, Stack, Text } from "@mantine/core";
import type { RunSummary } from "@logomesh/contracts";
import { Duration, RelativeTime } from "../../components/Facts.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { shortId, visibleText } from "../../lib/format.ts";
import { taskLook } from "../../lib/status.ts";

export function RunRow({ run }: { run: RunSummary }) {
  return (
    <Stack gap={2}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" fw={550} truncate>
          {visibleText(run.workflow.name)}
        </Text>
        <StatusBadge look={taskLook(run.status)} />
      </Group>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="xs" c="dimmed" truncate>
          <RelativeTime at={run.createdAt} /> · <Duration startedAt={run.startedAt} endedAt={run.endedAt} />
          {run.simulated === true ? " · mock" : ""}
          {run.tainted === true ? " · private data" : ""}
        </Text>
        <Text size="xs" c="dimmed" ff="monospace" title={run.id}>
          {shortId(run.id)}
        </Text>
      </Group>
    </Stack>
  );
}
