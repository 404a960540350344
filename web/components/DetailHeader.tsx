import { ActionIcon, Group, Stack, Title } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface DetailHeaderProps {
  title: string;
  /** Status beside the title. */
  badge?: ReactNode;
  actions?: ReactNode;
  /** One line of facts. */
  children?: ReactNode;
  onClose: () => void;
}

export function DetailHeader({ title, badge, actions, children, onClose }: DetailHeaderProps) {
  return (
    <Stack gap="xs" px="lg" pt="md" pb="sm" style={{ borderBottom: "1px solid var(--lm-line)", flex: "none" }}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Group gap="sm" mih={30}>
          <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
            {title}
          </Title>
          {badge}
        </Group>
        <Group gap="xs" wrap="nowrap">
          {actions}
          <ActionIcon variant="subtle" color="gray" aria-label="Close (Esc)" title="Close (Esc)" onClick={onClose}>
            <IconX size={18} />
          </ActionIcon>
        </Group>
      </Group>
      {children}
    </Stack>
  );
}
