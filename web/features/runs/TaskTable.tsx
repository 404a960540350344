import { Anchor, Table, Text } from "@mantine/core";
import type { RunTaskSummary } from "@logomesh/contracts";
import { useState } from "react";
import { Duration } from "../../components/Facts.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { EmptyState } from "../../components/States.tsx";
import { visibleText } from "../../lib/format.ts";
import { taskLook } from "../../lib/status.ts";
import { TASKS_SHOWN_MAX } from "./queries.ts";
import classes from "./RunDetail.module.css";

const ROWS_STEP = 200;

interface TaskTableProps {
  tasks: readonly RunTaskSummary[];
  selected: number | undefined;
  onSelect: (seq: number) => void;
}

export function TaskTable({ tasks, selected, onSelect }: TaskTableProps) {
  const [shown, setShown] = useState(ROWS_STEP);
  if (tasks.length === 0) return <EmptyState title="No task has started yet">They appear as they start.</EmptyState>;
  return (
    <Table.ScrollContainer minWidth={560} scrollAreaProps={{ tabIndex: 0 }} type="native">
      <Table verticalSpacing={4} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>#</Table.Th>
            <Table.Th>Task</Table.Th>
            <Table.Th>Type</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Attempt</Table.Th>
            <Table.Th>Took</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tasks.slice(0, shown).map((task) => (
            <Table.Tr
              key={task.seq}
              className={classes["row"] ?? ""}
              data-selected={task.seq === selected}
              onClick={() => onSelect(task.seq)}
            >
              <Table.Td>{task.seq}</Table.Td>
              <Table.Td>
                <Anchor component="button" type="button" size="sm" onClick={() => onSelect(task.seq)}>
                  {visibleText(task.name)}
                  {task.iteration === undefined ? "" : ` [${task.iteration}]`}
                </Anchor>
              </Table.Td>
              <Table.Td>{task.call ?? task.type}</Table.Td>
              <Table.Td>
                <StatusBadge look={taskLook(task.status)} />
              </Table.Td>
              <Table.Td>{task.attempt}</Table.Td>
              <Table.Td>
                <Duration startedAt={task.startedAt} endedAt={task.endedAt} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {tasks.length > shown ? (
        <Anchor component="button" type="button" size="sm" p="sm" onClick={() => setShown(shown + ROWS_STEP)}>
          Show more ({tasks.length - shown} left)
        </Anchor>
      ) : null}
      {tasks.length >= TASKS_SHOWN_MAX ? (
        <Text size="sm" c="dimmed" p="sm">
          The first {TASKS_SHOWN_MAX} tasks are listed here.
        </Text>
      ) : null}
    </Table.ScrollContainer>
  );
}
