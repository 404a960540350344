import { ActionIcon, Group, Stack, Title } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./DetailHeader.module.css";

interface DetailHeaderProps {
  title: string;
  /** Status beside the title. */
  badge?: ReactNode;
  actions?: ReactNode;
  /** One line of facts. */
  children?: ReactNode;
  onClose: () => void;
}

/** Where there is no room beside the title, the actions stand below it. */
export function DetailHeader({ title, badge, actions, children, onClose }: DetailHeaderProps) {
  return (
    <Stack gap="xs" px="lg" pt="md" pb="sm" className={classes["header"] ?? ""}>
      <div className={classes["line"]}>
        <Group gap="sm" mih={30}>
          <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
            {title}
          </Title>
          {badge}
        </Group>
        {actions === undefined ? null : <div className={classes["actions"]}>{actions}</div>}
        <ActionIcon variant="subtle" color="gray" aria-label="Close (Esc)" title="Close (Esc)" onClick={onClose}>
          <IconX size={18} />
        </ActionIcon>
      </div>
      {children}
    </Stack>
  );
}
