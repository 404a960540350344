import { Group, Stack, Text } from "@mantine/core";
import type { Plugin } from "@logomesh/contracts";
import { Outlet, useNavigate, useParams } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { FilterField } from "../../components/FilterField.tsx";
import { ListHeader } from "../../components/ListHeader.tsx";
import { ListPane } from "../../components/ListPane.tsx";
import { Split } from "../../components/Split.tsx";
import { EmptyState, LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { formatBytes, formatCount, visibleText } from "../../lib/format.ts";
import { pluginLook } from "../../lib/status.ts";
import { useInstallButton } from "./InstallButton.tsx";
import { OutsideBadge } from "./Outside.tsx";
import { usePlugins } from "./queries.ts";

export function PluginsPage() {
  const navigate = useNavigate();
  const { pluginId } = useParams({ strict: false });
  const list = usePlugins();
  const install = useInstallButton();
  const [filter, setFilter] = useState<string>();
  const shown = useMemo(() => {
    const wanted = filter?.toLowerCase() ?? "";
    return (list.data ?? []).filter(({ id, name }) => `${id} ${name}`.toLowerCase().includes(wanted));
  }, [list.data, filter]);
  return (
    <Split
      isDetailOpen={pluginId !== undefined}
      list={
        <>
          <ListHeader title="Plugins" action={install.button}>
            <FilterField label="Filter plugins" filter={filter} onFilter={setFilter} />
            {install.problem}
          </ListHeader>
          {list.isPending ? <LoadingRows label="Loading plugins" /> : null}
          {list.isError ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : null}
          {list.isSuccess && shown.length === 0 ? <NoPlugins isFiltered={list.data.length > 0} /> : null}
          {shown.length > 0 ? (
            <ListPane<Plugin>
              label="Plugins"
              items={shown}
              keyOf={(plugin) => plugin.id}
              selectedKey={pluginId}
              rowHeight={76}
              onOpen={(plugin) => void navigate({ to: "/plugins/$pluginId", params: { pluginId: plugin.id } })}
              onClose={() => void navigate({ to: "/plugins" })}
              renderItem={(plugin) => <PluginRow plugin={plugin} />}
            />
          ) : null}
        </>
      }
      detail={
        pluginId === undefined ? (
          <Text c="dimmed" p="xl">
            Choose a plugin to see its tools, what it may do, and its log.
          </Text>
        ) : (
          <Outlet />
        )
      }
    />
  );
}

function PluginRow({ plugin }: { plugin: Plugin }) {
  const { usage } = plugin;
  return (
    <Stack gap={2}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" fw={550} truncate>
          {visibleText(plugin.name)}
        </Text>
        <Group gap={4} wrap="nowrap">
          <OutsideBadge outside={plugin.outside} />
          <StatusBadge look={pluginLook(plugin.state)} />
        </Group>
      </Group>
      <Text size="xs" c="dimmed" truncate>
        {plugin.id} · {plugin.version} · {plugin.runtime} {plugin.granted ? "" : "· not granted"}
      </Text>
      <Text size="xs" c="dimmed" truncate>
        {formatBytes(usage.memoryBytes)} · {usage.cpuPercent.toFixed(0)} % CPU · {formatCount(usage.calls, "call")} ·{" "}
        {formatCount(usage.errors, "error")}
      </Text>
    </Stack>
  );
}

function NoPlugins({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <EmptyState title="No plugin fits">Clear the filter to see all.</EmptyState>;
  return (
    <EmptyState title="No plugins installed" command="script/logomesh init">
      A plugin is a program in a sandbox that offers tools to workflows. A new workspace comes with two samples.
    </EmptyState>
  );
}
