import { Anchor, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import type { ComparedSide, ComparedTask, ComparedValue } from "@logomesh/contracts";
import { Fragment, useState } from "react";
import { CopyId } from "../../../components/Facts.tsx";
import { JsonView } from "../../../components/JsonView.tsx";
import { StatusBadge } from "../../../components/StatusBadge.tsx";
import { formatBytes, formatDuration, visibleText } from "../../../lib/format.ts";
import { taskLook } from "../../../lib/status.ts";

const ROWS_STEP = 200;
const VALUES = ["input", "output", "error"] as const;

interface ComparisonTableProps {
  /** What the runs are called. */
  a: string;
  b: string;
  tasks: readonly ComparedTask[];
}

export function ComparisonTable({ a, b, tasks }: ComparisonTableProps) {
  const [limit, setLimit] = useState(ROWS_STEP);
  const [open, setOpen] = useState<string>();
  return (
    <>
      <Table.ScrollContainer minWidth={520} scrollAreaProps={{ tabIndex: 0 }} type="native">
        <Table verticalSpacing={4} layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Task</Table.Th>
              <Table.Th>This run ({a})</Table.Th>
              <Table.Th>Other run ({b})</Table.Th>
              <Table.Th>Differs in</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {tasks.slice(0, limit).map((task) => (
              <Fragment key={task.place}>
                <Table.Tr>
                  <Table.Td>
                    <Anchor
                      component="button"
                      type="button"
                      size="sm"
                      aria-expanded={open === task.place}
                      title={task.place}
                      onClick={() => setOpen(open === task.place ? undefined : task.place)}
                    >
                      {visibleText(task.name)}
                    </Anchor>
                  </Table.Td>
                  <Table.Td>
                    <Side side={task.a} />
                  </Table.Td>
                  <Table.Td>
                    <Side side={task.b} />
                  </Table.Td>
                  <Table.Td>{task.differences.length === 0 ? "–" : task.differences.join(", ")}</Table.Td>
                </Table.Tr>
                {open === task.place ? (
                  <Table.Tr>
                    <Table.Td colSpan={4}>
                      <Values task={task} />
                    </Table.Td>
                  </Table.Tr>
                ) : null}
              </Fragment>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {tasks.length > limit ? (
        <Anchor component="button" type="button" size="sm" onClick={() => setLimit(limit + ROWS_STEP)}>
          Show more ({tasks.length - limit} left)
        </Anchor>
      ) : null}
    </>
  );
}

function Side({ side }: { side: ComparedSide | undefined }) {
  if (side === undefined) {
    return (
      <Text size="sm" c="dimmed">
        did not run
      </Text>
    );
  }
  return (
    <>
      <StatusBadge look={taskLook(side.status)} />{" "}
      <Text span size="xs" c="dimmed">
        {side.durationMs === undefined ? "" : formatDuration(side.durationMs)}
      </Text>
    </>
  );
}

/** What went in and came out, on both sides. */
function Values({ task }: { task: ComparedTask }) {
  return (
    <Stack gap="sm">
      <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>
        {visibleText(task.place)}
      </Text>
      {VALUES.filter((name) => task.a?.[name] !== undefined || task.b?.[name] !== undefined).map((name) => (
        <SimpleGrid key={name} cols={2} spacing="sm">
          <Value label={`${name} in this run`} value={task.a?.[name]} />
          <Value label={`${name} in the other run`} value={task.b?.[name]} />
        </SimpleGrid>
      ))}
    </Stack>
  );
}

function Value({ label, value }: { label: string; value: ComparedValue | undefined }) {
  return (
    <Stack gap={2}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      {value === undefined || "value" in value ? (
        <JsonView value={value?.value} label={label} />
      ) : (
        <Text size="sm">
          {formatBytes(value.bytes)} of JSON, digest <CopyId id={value.sha256} name="digest" />
        </Text>
      )}
    </Stack>
  );
}
