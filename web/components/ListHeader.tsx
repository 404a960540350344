import { Group, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** Title and action of a list, and below them what narrows it. */
export function ListHeader({ title, action, children }: { title: string; action?: ReactNode; children?: ReactNode }) {
  return (
    <Stack gap="xs" p="md" pb="sm" style={{ borderBottom: "1px solid var(--lm-line)", flex: "none" }}>
      <Group justify="space-between" mih={30} wrap="nowrap">
        <Title order={1}>{title}</Title>
        {action}
      </Group>
      {children}
    </Stack>
  );
}
