import { Stack, Table, Text, Title } from "@mantine/core";
import type { Plugin } from "@logomesh/contracts";
import { visibleText } from "../../lib/format.ts";
import { GrantForm } from "./GrantForm.tsx";
import { PluginHealth } from "./PluginHealth.tsx";
import { PrivateDataNote } from "./PrivateDataNote.tsx";
import { permissionRows, rowKey } from "./permissionRows.ts";
import { usePluginGrant, type usePluginAction } from "./queries.ts";

interface PluginPermissionsProps {
  plugin: Plugin;
  act: ReturnType<typeof usePluginAction>;
}

export function PluginPermissions({ plugin, act }: PluginPermissionsProps) {
  const { limits } = plugin;
  const limitRows = [
    ["Memory", `${limits.memory_mb} MiB`],
    ["CPU", `${limits.cpu_percent} % of a core`],
    ["Processes", String(limits.max_processes)],
    ["Open files", String(limits.max_open_files)],
    ["Temporary files", `${limits.tmp_mb} MiB`],
    ["Time to start", `${limits.start_timeout_ms} ms`],
    ["Time of a call", `${limits.call_timeout_ms} ms`],
    ["Size of a message", `${limits.max_message_bytes} bytes`],
  ] as const;
  return (
    <Stack p="lg" gap="lg">
      {plugin.waiting === undefined ? null : (
        <GrantForm
          key={plugin.waiting.sha256}
          title={`Version ${visibleText(plugin.waiting.version)} is installed and waits: it asks for`}
          plugin={asWaiting(plugin, plugin.waiting)}
        />
      )}
      {plugin.granted ? <Granted plugin={plugin} /> : <GrantForm plugin={plugin} />}
      <PrivateDataNote plugin={plugin} />
      <PluginHealth plugin={plugin} act={act} />
      <Title order={2} size="h3">
        Limits that the system enforces
      </Title>
      <Table verticalSpacing={4} maw={420}>
        <Table.Tbody>
          {limitRows.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Td c="dimmed">{name}</Table.Td>
              <Table.Td>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}

/** What it would be. */
function asWaiting({ outside: _, ...plugin }: Plugin, waiting: NonNullable<Plugin["waiting"]>): Plugin {
  return { ...plugin, ...waiting };
}

/** Every permission that it asks for, and whether it has it. */
function Granted({ plugin }: { plugin: Plugin }) {
  const { data: grant } = usePluginGrant(plugin.id);
  const rows = permissionRows(plugin.permissions);
  const has = new Set(permissionRows(grant?.permissions ?? {}).map(rowKey));
  return (
    <Stack gap="xs">
      <Title order={2} size="h3">
        It may
      </Title>
      {grant === undefined ? null : (
        <Text size="sm" c="dimmed">
          Granted by {visibleText(grant.grantedBy)}, for exactly this content.
        </Text>
      )}
      {rows.length === 0 ? (
        <Text size="sm">
          Nothing beyond computing on what a call gives it: no files, no network, no model, no other plugin.
        </Text>
      ) : (
        <Table.ScrollContainer minWidth={420}>
          <Table verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Permission</Table.Th>
                <Table.Th>What</Table.Th>
                <Table.Th>Why, in its author&apos;s words</Table.Th>
                <Table.Th>Granted</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={rowKey(row)}>
                  <Table.Td>
                    <code>{row.permission}</code>
                  </Table.Td>
                  <Table.Td>{visibleText(row.what)}</Table.Td>
                  <Table.Td>{visibleText(row.why)}</Table.Td>
                  <Table.Td>{grant === undefined ? "…" : has.has(rowKey(row)) ? "yes" : "no, left out"}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Stack>
  );
}
