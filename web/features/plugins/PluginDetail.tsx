import { Badge, Box, Group, SimpleGrid, Stack, Tabs, Text } from "@mantine/core";
import type { Plugin } from "@logomesh/contracts";
import { getRouteApi } from "@tanstack/react-router";
import { DetailHeader } from "../../components/DetailHeader.tsx";
import { CopyId, Fact } from "../../components/Facts.tsx";
import { EmptyState, LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { Sparkline } from "../../components/Sparkline.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { TextLink } from "../../components/links.tsx";
import { formatBytes, formatCount, formatDuration, visibleText } from "../../lib/format.ts";
import { pluginLook } from "../../lib/status.ts";
import { OutsideBadge, OutsideWarning } from "./Outside.tsx";
import { PluginActions } from "./PluginActions.tsx";
import { PluginLogs } from "./PluginLogs.tsx";
import { PluginPermissions } from "./PluginPermissions.tsx";
import { PluginTools } from "./PluginTools.tsx";
import { ToolDifferences } from "./ToolDifferences.tsx";
import { usePluginAction, usePluginSamples, usePlugins } from "./queries.ts";

const MIB = 1024 * 1024;

const route = getRouteApi("/plugins/$pluginId");

export function PluginDetail() {
  const { pluginId } = route.useParams();
  const { tab = "tools", tool } = route.useSearch();
  const list = usePlugins();
  if (list.isPending) return <LoadingRows label="Loading the plugin" />;
  if (list.isError) return <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />;
  const plugin = list.data.find(({ id }) => id === pluginId);
  if (plugin === undefined) {
    return (
      <EmptyState title="No such plugin" action={<TextLink to="/plugins">All plugins</TextLink>}>
        {pluginId} is not installed in this workspace.
      </EmptyState>
    );
  }
  return <PluginView key={plugin.id} plugin={plugin} tab={tab} tool={tool} />;
}

interface PluginViewProps {
  plugin: Plugin;
  tab: "tools" | "permissions" | "logs";
  tool: string | undefined;
}

function PluginView({ plugin, tab, tool }: PluginViewProps) {
  const navigate = route.useNavigate();
  const act = usePluginAction(plugin);
  return (
    <>
      <DetailHeader
        title={visibleText(plugin.name)}
        badge={
          <>
            <StatusBadge look={pluginLook(plugin.state)} />
            <OutsideBadge outside={plugin.outside} />
            {plugin.group === "builtin" ? (
              <Badge variant="default" radius="sm">
                builtin
              </Badge>
            ) : null}
          </>
        }
        actions={
          <PluginActions
            plugin={plugin}
            act={act}
            onGrant={() => void navigate({ search: { tab: "permissions" }, replace: true })}
          />
        }
        onClose={() => void navigate({ to: "/plugins" })}
      >
        <Text size="sm">{visibleText(plugin.description)}</Text>
        {plugin.stateReason === undefined ? null : <Text size="sm">{visibleText(plugin.stateReason)}</Text>}
        {plugin.outside?.granted === true ? <OutsideWarning outside={plugin.outside} /> : null}
        <Group gap="2px var(--mantine-spacing-lg)">
          <Fact name="Id">{plugin.id}</Fact>
          <Fact name="Version">{plugin.version}</Fact>
          <Fact name="Runtime">{plugin.runtime}</Fact>
          <Fact name="Runs">{plugin.sandboxed ? "in a sandbox" : `without a sandbox (${plugin.securityLevel})`}</Fact>
          <Fact name={plugin.granted ? "Approved" : "Content"}>
            <CopyId id={plugin.sha256} name="hash of the bundle" />
          </Fact>
        </Group>
      </DetailHeader>
      {plugin.problem === undefined ? null : <Problem plugin={plugin} />}
      {act.isError ? <ProblemAlert error={act.error} /> : null}
      {plugin.toolChanges === undefined || !plugin.granted ? null : (
        <Box px="lg" pt="sm">
          <ToolDifferences changes={plugin.toolChanges} />
        </Box>
      )}
      <Usage plugin={plugin} />
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) =>
          void navigate({
            search: { tab: value === "permissions" || value === "logs" ? value : "tools" },
            replace: true,
          })
        }
      >
        <Tabs.List px="md">
          <Tabs.Tab value="tools">Tools ({plugin.tools.length})</Tabs.Tab>
          <Tabs.Tab value="permissions">Permissions and limits</Tabs.Tab>
          <Tabs.Tab value="logs">Log</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tools">
          <PluginTools
            plugin={plugin}
            openTool={tool}
            onOpen={(next) => void navigate({ search: { tab: "tools", tool: next }, replace: true })}
          />
        </Tabs.Panel>
        <Tabs.Panel value="permissions">
          <PluginPermissions plugin={plugin} act={act} />
        </Tabs.Panel>
        <Tabs.Panel value="logs">
          <PluginLogs pluginId={plugin.id} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Problem({ plugin: { problem } }: { plugin: Plugin }) {
  if (problem === undefined) return null;
  return (
    <Text px="lg" pt="sm" size="sm" role="alert" style={{ color: "var(--lm-bad)" }}>
      {problem.title}: {visibleText(problem.detail ?? "")} ({problem.code})
    </Text>
  );
}

interface Figure {
  name: string;
  value: string;
  of: string;
  line?: { values: readonly number[]; most: number };
}

function Usage({ plugin: { id, usage, limits } }: { plugin: Plugin }) {
  const samples = usePluginSamples(id);
  const memory = { values: samples.map(({ memoryBytes }) => memoryBytes), most: limits.memory_mb * MIB };
  const cpu = { values: samples.map(({ cpuPercent }) => cpuPercent), most: limits.cpu_percent };
  const figures: Figure[] = [
    { name: "Memory", value: formatBytes(usage.memoryBytes), of: `of ${limits.memory_mb} MiB`, line: memory },
    { name: "CPU", value: `${usage.cpuPercent.toFixed(1)} %`, of: `of ${limits.cpu_percent} %`, line: cpu },
    { name: "Processes", value: String(usage.processes), of: `of ${limits.max_processes}` },
    { name: "Calls", value: String(usage.calls), of: formatCount(usage.errors, "error") },
    {
      name: "Call time",
      value: usage.callP50Ms === undefined ? "–" : formatDuration(usage.callP50Ms),
      of: usage.callP99Ms === undefined ? "no call yet" : `p99 ${formatDuration(usage.callP99Ms)}`,
    },
    { name: "Violations", value: String(usage.violations), of: "of the sandbox" },
  ];
  return (
    <SimpleGrid cols={{ base: 2, xs: 3, lg: 6 }} px="lg" py="md" spacing="md">
      {figures.map(({ name, value, of, line }) => (
        <Stack key={name} gap={0}>
          <Text size="xs" c="dimmed">
            {name}
          </Text>
          <Text size="lg" fw={600}>
            {value}
          </Text>
          <Text size="xs" c="dimmed">
            {of}
          </Text>
          {line === undefined ? null : <Sparkline {...line} label={`${name}, last two minutes`} />}
        </Stack>
      ))}
    </SimpleGrid>
  );
}
