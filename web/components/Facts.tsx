/** Small facts: ids to copy, times relative with the exact one on hover, pairs of name and value. */
import { CopyButton, Group, Text, UnstyledButton } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { formatDuration, formatExact, formatRelative, durationBetween, shortId } from "../lib/format.ts";
import { useNow } from "../lib/useNow.ts";
import classes from "./Facts.module.css";

export function CopyId({ id, name }: { id: string; name: string }) {
  return (
    <CopyButton value={id}>
      {({ copied, copy }) => (
        <UnstyledButton
          className={classes["id"]}
          title={id}
          aria-label={`${shortId(id)}, ${copied ? `${name} copied` : `copy ${name}`}`}
          onClick={copy}
        >
          {shortId(id)}
          {copied ? <IconCheck size={12} aria-hidden /> : <IconCopy size={12} aria-hidden />}
        </UnstyledButton>
      )}
    </CopyButton>
  );
}

export function RelativeTime({ at }: { at: string }) {
  const now = useNow(30_000);
  return (
    <time dateTime={at} title={formatExact(at)}>
      {formatRelative(at, now)}
    </time>
  );
}

interface DurationProps {
  startedAt: string | undefined;
  endedAt: string | undefined;
}

/** Counts while it lasts. */
export function Duration({ startedAt, endedAt }: DurationProps) {
  return startedAt !== undefined && endedAt === undefined ? (
    <RunningDuration startedAt={startedAt} />
  ) : (
    <>{show(durationBetween(startedAt, endedAt, 0))}</>
  );
}

function RunningDuration({ startedAt }: { startedAt: string }) {
  return <>{show(durationBetween(startedAt, undefined, useNow(500)))}</>;
}

function show(ms: number | undefined): string {
  return ms === undefined ? "–" : formatDuration(ms);
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Group gap={6} wrap="nowrap" align="baseline">
      <Text span size="sm" c="dimmed" style={{ whiteSpace: "nowrap" }}>
        {name}
      </Text>
      <Text span size="sm" style={{ overflowWrap: "anywhere" }}>
        {children}
      </Text>
    </Group>
  );
}
