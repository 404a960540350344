import { Code, Group, Stack, Text, Title } from "@mantine/core";
import type { AuditEntry } from "@logomesh/contracts";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { DetailHeader } from "../../components/DetailHeader.tsx";
import { CopyId, Fact } from "../../components/Facts.tsx";
import { JsonView } from "../../components/JsonView.tsx";
import { LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { TextLink } from "../../components/links.tsx";
import { formatBytes, formatExact, visibleText } from "../../lib/format.ts";
import { useAuditEntry } from "./queries.ts";
import { payloadOf } from "./payloadOf.ts";

const route = getRouteApi("/audit/$seq");
const listRoute = getRouteApi("/audit");

/** An entry whole: who, what, when, its data, and the texts that it commits to. */
export function AuditEntryDetail() {
  const { seq } = route.useParams();
  const filter = listRoute.useSearch();
  const navigate = useNavigate();
  const entry = useAuditEntry(Number(seq));
  if (entry.isPending) return <LoadingRows label="Loading the entry" />;
  if (entry.isError) return <ProblemAlert error={entry.error} onRetry={() => void entry.refetch()} />;
  const { data } = entry;
  return (
    <>
      <DetailHeader title={visibleText(data.kind)} onClose={() => void navigate({ to: "/audit", search: filter })}>
        <Group gap="2px var(--mantine-spacing-lg)">
          <Fact name="Entry">{data.seq}</Fact>
          <Fact name="At">{formatExact(data.ts)}</Fact>
          <Fact name="By">
            {data.actor.type} {visibleText(data.actor.id)}
          </Fact>
          <Fact name="Leaf">
            <CopyId id={data.leaf} name="leaf hash" />
          </Fact>
        </Group>
        <Trace entry={data} />
        <DenyingPolicies entry={data} />
      </DetailHeader>
      <Stack p="lg" gap="md">
        <Title order={2} size="h3">
          Data
        </Title>
        <JsonView value={data.data} label="data of the entry" />
        {Object.entries(data.payload).map(([role, reference]) => (
          <Stack key={role} gap="xs">
            <Group gap="sm">
              <Title order={2} size="h3">
                {visibleText(role)}
              </Title>
              <Text size="sm" c="dimmed">
                {reference.media}, {formatBytes(reference.len)}
              </Text>
              <CopyId id={reference.commit} name="commitment" />
            </Group>
            <JsonView
              value={payloadOf(data.payloads?.[role], reference.media)}
              label={role}
              empty="The text no longer exists; the entry still commits to it."
            />
          </Stack>
        ))}
      </Stack>
    </>
  );
}

/** A rule of the constitution opens at its place; the built-in ones are explained by `policy why`. */
function DenyingPolicies({ entry: { kind, data } }: { entry: AuditEntry }) {
  if (kind !== "policy.denied" || !Array.isArray(data["policies"]) || data["policies"].length === 0) return null;
  return (
    <Fact name="Denied by">
      {data["policies"].map(String).map((rule, index) => (
        <Text span key={rule} size="sm">
          {index === 0 ? "" : ", "}
          {rule.includes(":") ? (
            visibleText(rule)
          ) : (
            <TextLink to="/policy" search={{ rule }} size="sm">
              {visibleText(rule)}
            </TextLink>
          )}
        </Text>
      ))}
    </Fact>
  );
}

function Trace({ entry: { trace } }: { entry: AuditEntry }) {
  return (
    <Group gap="2px var(--mantine-spacing-lg)">
      {trace.run === undefined ? null : (
        <Fact name="Run">
          <TextLink to="/runs/$runId" params={{ runId: trace.run }} size="sm">
            {trace.run}
          </TextLink>
        </Fact>
      )}
      {trace.task === undefined ? null : (
        <Fact name="Task">
          <Code>{visibleText(trace.task)}</Code>
        </Fact>
      )}
      {trace.plugin === undefined ? null : (
        <Fact name="Plugin">
          <TextLink to="/plugins/$pluginId" params={{ pluginId: trace.plugin }} size="sm">
            {trace.plugin}
          </TextLink>
        </Fact>
      )}
      {trace.model === undefined ? null : <Fact name="Model">{visibleText(trace.model)}</Fact>}
      {trace.status === undefined ? null : <Fact name="Status">{visibleText(trace.status)}</Fact>}
    </Group>
  );
}
