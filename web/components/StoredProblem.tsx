import { Alert, Code, Stack, Text } from "@mantine/core";
import type { WorkflowError } from "@logomesh/contracts";
import { IconAlertCircle } from "@tabler/icons-react";
import { visibleText } from "../lib/format.ts";
import { problemOfStored } from "../lib/problems.ts";

/** The error that a task or a run ended with. */
export function StoredProblem({ error }: { error: WorkflowError }) {
  const problem = problemOfStored(error);
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertCircle aria-hidden />}
      title={visibleText(problem.title)}
      styles={{ title: { color: "var(--lm-bad)" }, message: { color: "var(--mantine-color-text)" } }}
    >
      <Stack gap="xs">
        {problem.detail === undefined ? null : (
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {visibleText(problem.detail)}
          </Text>
        )}
        {problem.help === undefined ? null : (
          <Text size="sm" c="dimmed">
            {problem.help}
          </Text>
        )}
        <Text size="xs" style={{ overflowWrap: "anywhere" }}>
          <Code>{problem.code}</Code> {error.instance === undefined ? null : <Code>{error.instance}</Code>}
        </Text>
      </Stack>
    </Alert>
  );
}
