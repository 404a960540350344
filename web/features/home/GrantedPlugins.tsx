import { Group, Paper, Stack, Text, Title } from "@mantine/core";
import type { Plugin } from "@logomesh/contracts";
import type { UseQueryResult } from "@tanstack/react-query";
import { LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { TextLink } from "../../components/links.tsx";
import { visibleText } from "../../lib/format.ts";
import { pluginLook } from "../../lib/status.ts";
import { OutsideBadge } from "../plugins/Outside.tsx";

/** Which plugins were granted what, without anybody having been asked: the samples come approved. */
export function GrantedPlugins({ plugins }: { plugins: UseQueryResult<Plugin[]> }) {
  return (
    <Paper withBorder p="lg" component="section" aria-label="Plugins">
      <Stack gap="sm">
        <Title order={2}>Plugins and what they were granted</Title>
        {plugins.isPending ? <LoadingRows rows={2} label="Loading plugins" /> : null}
        {plugins.isError ? <ProblemAlert error={plugins.error} onRetry={() => void plugins.refetch()} /> : null}
        {plugins.data?.length === 0 ? (
          <Text size="sm" c="dimmed">
            No plugins are installed in this workspace.
          </Text>
        ) : null}
        {plugins.data?.map((plugin) => (
          <Group key={plugin.id} gap="sm" wrap="nowrap" align="flex-start" justify="space-between">
            <Stack gap={0} style={{ minWidth: 0 }}>
              <TextLink
                to="/plugins/$pluginId"
                params={{ pluginId: plugin.id }}
                search={{ tab: "permissions" }}
                fw={550}
              >
                {visibleText(plugin.name)}
              </TextLink>
              <Text size="sm">{visibleText(plugin.description)}</Text>
              <Text size="sm" c="dimmed">
                {grantOf(plugin)}
              </Text>
            </Stack>
            <Group gap={4} wrap="nowrap">
              <OutsideBadge outside={plugin.outside} />
              <StatusBadge look={pluginLook(plugin.state)} />
            </Group>
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}

function grantOf({ granted, group, permissions, sandboxed }: Plugin): string {
  const asked = Object.keys(permissions);
  const what = asked.length === 0 ? "nothing beyond computing on what it is given" : asked.join(", ");
  const where = sandboxed ? "in a sandbox" : "without a sandbox";
  if (!granted) return `Not granted. It asks for ${what}.`;
  return `${group === "builtin" ? "Came approved with the workspace" : "Granted"}: ${what}; runs ${where}.`;
}
