import { Group, Stack, Text } from "@mantine/core";
import type { AuditEntry } from "@logomesh/contracts";
import { RelativeTime } from "../../components/Facts.tsx";
import { shortId, visibleText } from "../../lib/format.ts";

export function AuditRow({ entry }: { entry: AuditEntry }) {
  const { trace } = entry;
  const about = [
    `${entry.actor.type} ${shortId(entry.actor.id)}`,
    ...(trace.plugin === undefined ? [] : [trace.plugin]),
    ...(trace.model === undefined ? [] : [trace.model]),
    ...(trace.task === undefined ? [] : [trace.task]),
    ...(trace.status === undefined ? [] : [trace.status]),
  ];
  return (
    <Stack gap={2}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" fw={550} truncate>
          {visibleText(entry.kind)}
        </Text>
        <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
          <RelativeTime at={entry.ts} />
        </Text>
      </Group>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="xs" c="dimmed" truncate>
          {visibleText(about.join(" · "))}
        </Text>
        <Text size="xs" c="dimmed">
          {entry.seq}
        </Text>
      </Group>
    </Stack>
  );
}
