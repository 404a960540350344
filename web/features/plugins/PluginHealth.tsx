/** What holds calls back, and why the last process ended: limiter, circuits, crash. */
import { Button, Group, Stack, Table, Text, Title } from "@mantine/core";
import type { Plugin, PluginLimiter } from "@logomesh/contracts";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { formatCount, formatExact, visibleText } from "../../lib/format.ts";
import type { StatusLook } from "../../lib/status.ts";
import type { usePluginAction } from "./queries.ts";

const CIRCUIT_LOOKS: Record<PluginLimiter["circuits"][number]["state"], StatusLook> = {
  closed: { tone: "waiting", icon: "warning", label: "closed" },
  open: { tone: "bad", icon: "cross", label: "open" },
  "half-open": { tone: "uncertain", icon: "question", label: "half-open" },
};

interface PluginHealthProps {
  plugin: Plugin;
  act: ReturnType<typeof usePluginAction>;
}

export function PluginHealth({ plugin, act }: PluginHealthProps) {
  const { limiter, lastCrash } = plugin;
  if (limiter === undefined && lastCrash === undefined) return null;
  return (
    <Stack gap="xs">
      <Title order={2} size="h3">
        Calls and crashes
      </Title>
      {limiter === undefined ? null : (
        <>
          <Text size="sm">
            {limiter.running} of at most {limiter.runningMax} calls are running, {limiter.waiting} of at most{" "}
            {limiter.waitingMax} wait for their turn.
          </Text>
          {limiter.circuits.length === 0 ? (
            <Text size="sm" c="dimmed">
              No tool has failed since it last worked.
            </Text>
          ) : (
            <Circuits circuits={limiter.circuits} />
          )}
          {limiter.circuits.length === 0 ? null : (
            <Group>
              <Button
                size="compact-sm"
                variant="default"
                loading={act.isPending && act.variables === "reset"}
                onClick={() => act.mutate("reset")}
              >
                Close the circuits
              </Button>
            </Group>
          )}
        </>
      )}
      {lastCrash === undefined ? null : (
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          <strong>Last crash</strong> at {formatExact(lastCrash.at)} ({lastCrash.code}): {visibleText(lastCrash.reason)}
        </Text>
      )}
    </Stack>
  );
}

function Circuits({ circuits }: { circuits: PluginLimiter["circuits"] }) {
  return (
    <Table verticalSpacing={4} maw={520}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Tool</Table.Th>
          <Table.Th>Circuit</Table.Th>
          <Table.Th>In a row</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {circuits.map(({ tool, state, failures, retryInMs }) => (
          <Table.Tr key={tool}>
            <Table.Td>{visibleText(tool)}</Table.Td>
            <Table.Td>
              <StatusBadge look={CIRCUIT_LOOKS[state]} />
            </Table.Td>
            <Table.Td>
              {formatCount(failures, "failure")}
              {retryInMs === undefined ? "" : `, tried again in ${Math.ceil(retryInMs / 1000)} s`}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
