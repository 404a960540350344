import { Group, Stack, Text, Title } from "@mantine/core";
import type { ConstitutionChange, PolicyFlip } from "@logomesh/contracts";
import { StatusMark } from "../../components/StatusBadge.tsx";
import { formatCount, visibleText } from "../../lib/format.ts";
import type { StatusLook } from "../../lib/status.ts";
import classes from "./PolicyPage.module.css";

/** More than anybody reads; how many there are is said. */
const FLIPS_SHOWN_MAX = 100;

const ALLOWED: StatusLook = { tone: "good", icon: "check", label: "Allowed" };
const DENIED: StatusLook = { tone: "bad", icon: "ban", label: "Denied" };

interface ChangePreviewProps {
  /** Undefined while it is not known. */
  change: ConstitutionChange | undefined;
  isChanged: boolean;
  hasProblems: boolean;
  isSaved: boolean;
}

/** What would be decided differently, with the reason of the denial that comes or goes. */
export function ChangePreview({ change, isChanged, hasProblems, isSaved }: ChangePreviewProps) {
  return (
    <Stack gap="md">
      <Title order={2}>What it changes</Title>
      {hasProblems ? (
        <Text c="dimmed">A text with a problem changes nothing: it is never in force.</Text>
      ) : !isChanged ? (
        <Text c="dimmed">
          {isSaved ? "It is in force. " : ""}Edit the text, and see here which decisions would be others before you put
          it in force.
        </Text>
      ) : change === undefined ? (
        <Text c="dimmed" role="status">
          Deciding again what was asked lately
        </Text>
      ) : (
        <Known change={change} />
      )}
    </Stack>
  );
}

function Known({ change: { rules, flips, replayed, left } }: { change: ConstitutionChange }) {
  const marks = [
    ...rules.added.map((id) => `added ${id}`),
    ...rules.removed.map((id) => `removed ${id}`),
    ...rules.changed.map((id) => `changed ${id}`),
  ];
  const rest =
    left === 0
      ? ""
      : ` ${formatCount(left, "request")} more, asked since the start, ${left === 1 ? "was" : "were"} not tried.`;
  return (
    <>
      <Text size="sm">
        {marks.length === 0 ? "No rule changes." : `Rules: ${marks.map((mark) => visibleText(mark)).join(", ")}.`}
      </Text>
      <Text size="sm">
        {flips.length === 0 ? "None" : flips.length} of {formatCount(replayed, "request")} (asked lately, or named by a
        grant) would be decided differently.{rest}
      </Text>
      <div role="list" aria-label="Decisions that change">
        {flips.slice(0, FLIPS_SHOWN_MAX).map((flip) => (
          <Flip key={JSON.stringify(flip)} flip={flip} />
        ))}
      </div>
      {flips.length > FLIPS_SHOWN_MAX ? <Text size="sm">… and {flips.length - FLIPS_SHOWN_MAX} more</Text> : null}
    </>
  );
}

function Flip({ flip: { principal, action, resource, tainted, before, after } }: { flip: PolicyFlip }) {
  const look = after.allowed ? ALLOWED : DENIED;
  const { policies, reason } = after.allowed ? before : after;
  return (
    <div className={classes["flip"]} role="listitem">
      <Group gap={6} wrap="nowrap" align="flex-start">
        <StatusMark look={look} size={16} />
        <Stack gap={2}>
          <Text size="sm" fw={600}>
            {look.label}: {visibleText(action)} on {visibleText(resource)}
          </Text>
          <Text size="sm">
            {visibleText(principal)}
            {tainted ? ", with private data" : ""}
          </Text>
          <Text size="xs" c="dimmed">
            {after.allowed ? "It was denied: " : ""}
            {visibleText(reason)}
            {policies.length === 0 ? "" : ` (${visibleText(policies.join(", "))})`}
          </Text>
        </Stack>
      </Group>
    </div>
  );
}
