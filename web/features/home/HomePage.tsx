import { Button, Code, CopyButton, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import type { SystemStatus } from "@logomesh/contracts";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { ButtonLink } from "../../components/links.tsx";
import { visibleText } from "../../lib/format.ts";
import { GrantedPlugins } from "./GrantedPlugins.tsx";
import classes from "./HomePage.module.css";
import { RecentRuns } from "./RecentRuns.tsx";
import { useHome, useStartSample } from "./queries.ts";

/** The first page: what this is, one click to see it work, and the truth about model, sandbox and plugins. */
export function HomePage() {
  const { status, plugins, runs, hasSample, workflows } = useHome();
  return (
    <div className={classes["page"]}>
      <Stack gap="lg" maw={1080}>
        <Stack gap="xs">
          <Title order={1}>LogoMesh</Title>
          <Text maw={680}>
            A workbench for workflows that read, compute and write with local models and sandboxed plugins. Each step is
            recorded: a run survives a crash, and the log shows what happened and that nobody changed it.
          </Text>
        </Stack>
        <FirstRun hasSample={hasSample} isPending={workflows.isPending} />
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
          <Paper withBorder p="lg" id="model" component="section" aria-label="Model">
            {status.isPending ? <LoadingRows rows={2} label="Loading the status" /> : null}
            {status.isError ? <ProblemAlert error={status.error} onRetry={() => void status.refetch()} /> : null}
            {status.isSuccess ? <Model status={status.data} /> : null}
          </Paper>
          <Paper withBorder p="lg" component="section" aria-label="Sandbox and log">
            {status.isPending ? <LoadingRows rows={2} label="Loading the status" /> : null}
            {status.isError ? (
              <Text size="sm" c="dimmed">
                Sandbox and log are not known while the workbench does not answer.
              </Text>
            ) : null}
            {status.isSuccess ? <SandboxAndLog status={status.data} /> : null}
          </Paper>
        </SimpleGrid>
        <GrantedPlugins plugins={plugins} />
        <RecentRuns runs={runs} />
      </Stack>
    </div>
  );
}

function FirstRun({ hasSample, isPending }: { hasSample: boolean | undefined; isPending: boolean }) {
  const navigate = useNavigate();
  const start = useStartSample();
  return (
    <Paper withBorder p="lg" component="section" aria-label="First run" bg="var(--lm-surface)">
      <Stack gap="sm">
        <Title order={2}>See it work</Title>
        <Text size="sm">
          The sample workflow <b>reading-digest</b> counts words with a Node.js plugin, describes paragraphs with a
          Python plugin, lets the model summarise, and keeps the digest as a thought. Here it reads a page of
          Thoreau&apos;s Walden.
        </Text>
        <Group gap="sm">
          <Button
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
            loading={start.isPending}
            disabled={hasSample !== true}
            onClick={() =>
              start.mutate(undefined, {
                onSuccess: (run) => void navigate({ to: "/runs/$runId", params: { runId: run.id } }),
              })
            }
          >
            Run the sample
          </Button>
          <ButtonLink
            to="/workflows/$namespace/$name"
            params={{ namespace: "default", name: "reading-digest" }}
            variant="default"
            disabled={hasSample !== true}
          >
            Give it your own text
          </ButtonLink>
        </Group>
        <Text size="sm" c="dimmed">
          {hasSample === true || isPending ? (
            <>
              In a terminal: <Code>script/logomesh run reading-digest --input-file notes.md --watch</Code>
            </>
          ) : (
            <>
              The sample is not in this workspace.{" "}
              <Code>script/logomesh workflow push workflows/reading-digest.yaml</Code> adds it.
            </>
          )}
        </Text>
        {start.isError ? <ProblemAlert error={start.error} /> : null}
      </Stack>
    </Paper>
  );
}

function Model({ status: { model } }: { status: SystemStatus }) {
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Title order={2}>Which model answers</Title>
        {model.simulated ? (
          <StatusBadge look={{ tone: "uncertain", icon: "warning", label: "mock" }} />
        ) : (
          <StatusBadge look={{ tone: "good", icon: "check", label: "real model" }} />
        )}
      </Group>
      {model.simulated ? (
        <Text size="sm">
          No real model answers here. The deterministic <Code>mock</Code> does: it makes text from the prompt by rules,
          good for trying workflows, not for reading. Everything it writes is labelled.
        </Text>
      ) : (
        <Text size="sm">
          <b>{visibleText(model.model)}</b>, served by {visibleText(model.provider)} on this machine.
        </Text>
      )}
      {model.hint === undefined ? null : (
        <Group gap="sm" align="center">
          <Text size="sm">To get a real one:</Text>
          <Code className={classes["hint"] ?? ""}>{model.hint}</Code>
          <CopyButton value={model.hint}>
            {({ copied, copy }) => (
              <Button size="compact-xs" variant="default" onClick={copy}>
                {copied ? "Copied" : "Copy"}
              </Button>
            )}
          </CopyButton>
        </Group>
      )}
    </Stack>
  );
}

function SandboxAndLog({ status: { sandbox, audit } }: { status: SystemStatus }) {
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Title order={2}>Sandbox and log</Title>
        {sandbox.available ? (
          <StatusBadge look={{ tone: "good", icon: "check", label: "sandbox on" }} />
        ) : (
          <StatusBadge look={{ tone: "bad", icon: "cross", label: "sandbox missing" }} />
        )}
      </Group>
      <Text size="sm">{visibleText(sandbox.detail)}</Text>
      <Text size="sm">
        The log holds {audit.entries} entries; {audit.entriesSinceOutside} are newer than the last checkpoint outside
        the workspace.
      </Text>
      <Group>
        <ButtonLink to="/audit" size="compact-sm" variant="default">
          Read or verify the log
        </ButtonLink>
      </Group>
    </Stack>
  );
}
