import { Group, Stack, Text } from "@mantine/core";
import type { Approval } from "@logomesh/contracts";
import { RelativeTime } from "../../components/Facts.tsx";
import { StatusMark } from "../../components/StatusBadge.tsx";
import { shortId, visibleText } from "../../lib/format.ts";
import { approvalLook } from "../../lib/status.ts";
import { KIND_LABELS } from "./kinds.ts";

export function ApprovalRow({ approval }: { approval: Approval }) {
  const { title, kind, status, requestedBy, createdAt } = approval;
  const look = approvalLook(status);
  return (
    <Stack gap={2}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Group gap={6} wrap="nowrap" style={{ minWidth: 0 }}>
          <StatusMark look={look} />
          <Text size="sm" fw={550} truncate>
            {visibleText(title)}
          </Text>
        </Group>
        <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
          <RelativeTime at={createdAt} />
        </Text>
      </Group>
      <Text size="xs" c="dimmed" truncate>
        {look.label} · {KIND_LABELS[kind]} · {requestedBy.type} {visibleText(shortId(requestedBy.id))}
      </Text>
    </Stack>
  );
}
