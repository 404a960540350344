import { Code, Group, Progress, Stack, Text } from "@mantine/core";
import type { VerifyReport } from "@logomesh/contracts";
import type { UseMutationResult } from "@tanstack/react-query";
import { DetailHeader } from "../../components/DetailHeader.tsx";
import { CopyId, Fact } from "../../components/Facts.tsx";
import { ProblemAlert } from "../../components/States.tsx";
import { StatusBadge, StatusMark } from "../../components/StatusBadge.tsx";
import { TextLink } from "../../components/links.tsx";
import { formatDuration, visibleText } from "../../lib/format.ts";
import type { StatusLook } from "../../lib/status.ts";

const VERDICTS: Record<VerifyReport["exitCode"], { look: StatusLook; means: string }> = {
  0: {
    look: { tone: "good", icon: "check", label: "Intact" },
    means: "Every entry is as it was written, and a checkpoint outside the workspace agrees.",
  },
  1: {
    look: { tone: "bad", icon: "cross", label: "Tampered" },
    means: "The log is not what was written. The findings say where it differs.",
  },
  2: {
    look: { tone: "uncertain", icon: "warning", label: "Incomplete" },
    means: "What is there is consistent, but something is missing or nothing outside the workspace anchors it.",
  },
};

const FINDINGS: Record<VerifyReport["findings"][number]["severity"], StatusLook> = {
  tampered: VERDICTS[1].look,
  incomplete: VERDICTS[2].look,
  note: { tone: "neutral", icon: "circle", label: "Note" },
};

interface VerifyResultProps {
  verify: UseMutationResult<VerifyReport, Error, void>;
  onClose: () => void;
}

export function VerifyResult({ verify, onClose }: VerifyResultProps) {
  const report = verify.data;
  return (
    <>
      <DetailHeader
        title="Verification of the log"
        badge={report === undefined ? null : <StatusBadge look={VERDICTS[report.exitCode].look} />}
        onClose={onClose}
      />
      {verify.isError ? <ProblemAlert error={verify.error} onRetry={() => verify.mutate()} /> : null}
      {verify.isPending ? (
        <Stack p="lg" role="status">
          <Text>Every entry is hashed and every checkpoint&apos;s signature checked.</Text>
          <Progress value={100} animated aria-label="Verifying" />
        </Stack>
      ) : null}
      {report === undefined ? null : <Report report={report} />}
    </>
  );
}

function Report({ report }: { report: VerifyReport }) {
  const rate = report.durationMs > 0 ? Math.round((report.entries / report.durationMs) * 1000) : undefined;
  return (
    <Stack p="lg" gap="md">
      <Text>{VERDICTS[report.exitCode].means}</Text>
      <Stack gap={2}>
        <Fact name="Entries">{report.entries}</Fact>
        <Fact name="Newer than the last outside checkpoint">{report.entriesSinceOutside}</Fact>
        <Fact name="Checkpoints">
          {report.checkpoints}, of which {report.outsideCheckpoints} outside the workspace
        </Fact>
        <Fact name="Took">
          {formatDuration(report.durationMs)}
          {rate === undefined ? "" : ` (${rate} entries/s)`}
        </Fact>
        <Fact name="Root">
          <CopyId id={report.root} name="root hash" />
        </Fact>
        <Fact name="Log">
          <Code>{report.log}</Code>
        </Fact>
      </Stack>
      {report.findings.map((finding, index) => (
        <Group key={index} gap="sm" wrap="nowrap" align="flex-start">
          <StatusMark look={FINDINGS[finding.severity]} />
          <Text size="sm">
            {FINDINGS[finding.severity].label}: {visibleText(finding.message)}{" "}
            {finding.seq === undefined ? null : (
              <TextLink to="/audit/$seq" params={{ seq: String(finding.seq) }} size="sm">
                entry {finding.seq}
              </TextLink>
            )}
          </Text>
        </Group>
      ))}
      <Text size="sm" c="dimmed">
        The same, without a running workbench: <Code>script/logomesh audit verify</Code>
      </Text>
    </Stack>
  );
}
