import { Code, Group, Stack, Text, Title } from "@mantine/core";
import {
  FileChangeSchema,
  LogoMeshError,
  ModelProposalSchema,
  ProblemSchema,
  reviewPatch,
  type Approval,
  type ApprovalDetail,
  type FileChangePayload,
  type PatchReview,
} from "@logomesh/contracts";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { DetailHeader } from "../../components/DetailHeader.tsx";
import { CopyId, Fact, RelativeTime } from "../../components/Facts.tsx";
import { JsonView } from "../../components/JsonView.tsx";
import { LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { TextLink } from "../../components/links.tsx";
import { visibleText } from "../../lib/format.ts";
import { approvalLook } from "../../lib/status.ts";
import { ApprovalActions } from "./ApprovalActions.tsx";
import { DiffView } from "../../components/DiffView.tsx";
import { ModelProposal, modelConsequenceOf } from "./ModelProposal.tsx";
import { KIND_LABELS } from "./kinds.ts";
import { useApproval, useDecide, useUndo } from "./queries.ts";

const route = getRouteApi("/approvals/$approvalId");

/** What is asked, whole, and the decision about it. */
export function ApprovalDetailPage() {
  const { approvalId } = route.useParams();
  const approval = useApproval(approvalId);
  if (approval.isPending) return <LoadingRows label="Loading the approval" />;
  if (approval.isError) return <ProblemAlert error={approval.error} onRetry={() => void approval.refetch()} />;
  // A comment that was begun belongs to one approval.
  return <Loaded key={approvalId} approval={approval.data} />;
}

function Loaded({ approval }: { approval: ApprovalDetail }) {
  const filter = getRouteApi("/approvals").useSearch();
  const navigate = useNavigate();
  const decide = useDecide(approval.id);
  const undo = useUndo(approval.id);
  const change = useMemo(() => {
    const parsed = approval.kind === "file-change" ? FileChangeSchema.safeParse(approval.payload).data : undefined;
    return parsed === undefined ? undefined : { ...parsed, review: reviewPatch(parsed.patch) };
  }, [approval.kind, approval.payload]);
  const proposal = useMemo(
    () => (approval.kind === "model" ? ModelProposalSchema.safeParse(approval.payload).data : undefined),
    [approval.kind, approval.payload],
  );
  const error = decide.error ?? undo.error;
  return (
    <>
      <DetailHeader
        title={visibleText(approval.title)}
        badge={<StatusBadge look={approvalLook(approval.status)} />}
        actions={
          <ApprovalActions
            {...{ approval, decide, undo }}
            consequence={
              change !== undefined
                ? consequenceOf(change)
                : proposal !== undefined
                  ? modelConsequenceOf(proposal)
                  : "What is shown is carried out."
            }
            hidden={change?.review.hidden ?? 0}
          />
        }
        onClose={() => void navigate({ to: "/approvals", search: filter })}
      >
        <Facts approval={approval} />
      </DetailHeader>
      {error === null ? null : <ProblemAlert error={error} />}
      {approval.status === "failed" ? <ProblemAlert error={failureOf(approval)} /> : null}
      <Stack p="lg" gap="md">
        {change !== undefined ? (
          <FileChange change={change} review={change.review} />
        ) : proposal !== undefined ? (
          <ModelProposal proposal={proposal} />
        ) : (
          <JsonView value={approval.payload} label="what is asked" />
        )}
      </Stack>
    </>
  );
}

/** Why what was approved could not be carried out. */
function failureOf({ outcome }: ApprovalDetail): LogoMeshError {
  const problem = ProblemSchema.safeParse(outcome);
  return problem.success
    ? LogoMeshError.fromProblem(problem.data)
    : new LogoMeshError("LM_INTERNAL", "What was approved could not be carried out.");
}

function consequenceOf({ path, text, baseSha256 }: FileChangePayload): string {
  const name = visibleText(path);
  if (text === null) return `${name} is deleted. You can undo that.`;
  return `${name} is ${baseSha256 === null ? "created" : "changed"} as shown. You can undo that.`;
}

function FileChange({ change, review }: { change: FileChangePayload; review: PatchReview }) {
  return (
    <>
      <Group gap="sm">
        <Title order={2} size="h3">
          {change.text === null ? "Deletes" : change.baseSha256 === null ? "Creates" : "Changes"}
        </Title>
        <Code style={{ overflowWrap: "anywhere" }}>{visibleText(change.path)}</Code>
        <Text size="sm" c="dimmed">
          mode {change.mode.toString(8).padStart(4, "0")}
        </Text>
      </Group>
      {change.reason === undefined ? null : (
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          “{visibleText(change.reason)}”
        </Text>
      )}
      <DiffView review={review} />
    </>
  );
}

function Facts({ approval }: { approval: Approval }) {
  const { kind, requestedBy, trace, createdAt, expiresAt, decidedAt, decidedBy, comment, undoneAt, undoneBy } =
    approval;
  return (
    <Group gap="2px var(--mantine-spacing-lg)">
      <Fact name="Kind">{KIND_LABELS[kind]}</Fact>
      <Fact name="Asked by">
        {requestedBy.type === "plugin" ? (
          <TextLink to="/plugins/$pluginId" params={{ pluginId: requestedBy.id }} size="sm">
            {visibleText(requestedBy.id)}
          </TextLink>
        ) : (
          `${requestedBy.type} ${visibleText(requestedBy.id)}`
        )}{" "}
        <RelativeTime at={createdAt} />
      </Fact>
      {trace.run === undefined ? null : (
        <Fact name="Run">
          <TextLink to="/runs/$runId" params={{ runId: trace.run }} size="sm">
            {visibleText(trace.run)}
          </TextLink>
        </Fact>
      )}
      {expiresAt === undefined || decidedAt !== undefined ? null : (
        <Fact name="Expires">
          <RelativeTime at={expiresAt} />
        </Fact>
      )}
      {decidedAt === undefined || decidedBy === undefined ? null : (
        <Fact name="Decided by">
          {visibleText(decidedBy.id)} <RelativeTime at={decidedAt} />
        </Fact>
      )}
      {undoneAt === undefined || undoneBy === undefined ? null : (
        <Fact name="Undone by">
          {visibleText(undoneBy.id)} <RelativeTime at={undoneAt} />
        </Fact>
      )}
      {comment === undefined ? null : <Fact name="Comment">{visibleText(comment)}</Fact>}
      <Fact name="Content">
        <CopyId id={approval.contentHash} name="content hash" />
      </Fact>
    </Group>
  );
}
