import { Stack, Table, Text, Title } from "@mantine/core";
import type { Plugin } from "@logomesh/contracts";
import { visibleText } from "../../lib/format.ts";
import { permissionRows } from "./permissionRows.ts";

export function PluginPermissions({ plugin }: { plugin: Plugin }) {
  const rows = permissionRows(plugin.permissions);
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
    <Stack p="lg" gap="md">
      <Title order={2} size="h3">
        {plugin.granted ? "It may" : "It asks for, and is not granted"}
      </Title>
      {rows.length === 0 ? (
        <Text size="sm">
          Nothing beyond computing on what a call gives it: no files, no network, no model, no other plugin.
        </Text>
      ) : (
        <Table verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Permission</Table.Th>
              <Table.Th>What</Table.Th>
              <Table.Th>Why, in its author&apos;s words</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map(({ permission, what, why }) => (
              <Table.Tr key={`${permission} ${what}`}>
                <Table.Td>
                  <code>{permission}</code>
                </Table.Td>
                <Table.Td>{visibleText(what)}</Table.Td>
                <Table.Td>{visibleText(why)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
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
