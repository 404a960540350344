/** The three honest states of a view that has no data: loading, empty, failed. */
import { Alert, Anchor, Button, Code, CopyButton, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconAlertCircle, IconRefresh } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { visibleText } from "../lib/format.ts";
import { problemOf } from "../lib/problems.ts";

/** Keeps the height of what will come, so that nothing jumps. */
export function LoadingRows({ rows = 6, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <Stack gap="sm" p="md" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={36} />
      ))}
    </Stack>
  );
}

interface EmptyStateProps {
  title: string;
  children: ReactNode;
  action?: ReactNode;
  /** The same step in the terminal. */
  command?: string;
}

export function EmptyState({ title, children, action, command }: EmptyStateProps) {
  return (
    <Stack gap="sm" p="xl" align="flex-start" maw={520}>
      <Title order={2}>{title}</Title>
      <Text c="dimmed">{children}</Text>
      {action}
      {command === undefined ? null : (
        <Text size="sm" c="dimmed">
          In a terminal: <Code>{command}</Code>
        </Text>
      )}
    </Stack>
  );
}

/** Title, detail, code, what to do, and everything to copy. */
export function ProblemAlert({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = problemOf(error);
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertCircle aria-hidden />}
      title={problem.title}
      role="alert"
      m="md"
      styles={{ title: { color: "var(--lm-bad)" }, message: { color: "var(--mantine-color-text)" } }}
    >
      <Stack gap="xs">
        {problem.detail === undefined ? null : (
          <Text style={{ overflowWrap: "anywhere" }}>{visibleText(problem.detail)}</Text>
        )}
        {problem.help === undefined ? null : <Text c="dimmed">{problem.help}</Text>}
        <Group gap="sm">
          <Code>{problem.code}</Code>
          <CopyButton value={JSON.stringify(problem, null, 2)}>
            {({ copied, copy }) => (
              <Anchor component="button" type="button" size="sm" onClick={copy}>
                {copied ? "Copied" : "Copy detail"}
              </Anchor>
            )}
          </CopyButton>
          {onRetry === undefined ? null : (
            <Button size="compact-sm" variant="default" leftSection={<IconRefresh size={14} />} onClick={onRetry}>
              Try again
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}
