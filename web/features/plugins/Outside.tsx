/** In red, wherever a plugin appears that does not run in the sandbox. */
import { Badge, Text } from "@mantine/core";
import type { Plugin } from "@logomesh/contracts";
import { visibleText } from "../../lib/format.ts";

type Outside = NonNullable<Plugin["outside"]>;

const REASONS: Readonly<Record<Outside["reason"], string>> = {
  trusted: "Its manifest asks to be trusted.",
  "dev-only": "Its manifest says that it is for development only.",
  "no-sandbox": "There is no sandbox here.",
};

export function OutsideBadge({ outside }: { outside: Outside | undefined }) {
  if (outside === undefined) return null;
  return (
    <Badge color="red" variant="filled" radius="sm">
      {outside.granted ? "outside of the sandbox" : "asks to leave the sandbox"}
    </Badge>
  );
}

/** What that means, in words that a person cannot take for something harmless. */
export function OutsideWarning({ outside }: { outside: Outside | undefined }) {
  if (outside === undefined) return null;
  const { reason, granted, refusal } = outside;
  return (
    <Text size="sm" fw={600} role="alert" style={{ color: "var(--lm-bad)" }}>
      {granted ? "It runs outside of the sandbox" : "It would run outside of the sandbox"}: it can read, change, delete
      and send everything that you can, and run any program as you. {REASONS[reason]} The permissions below do not bind
      it.{refusal === undefined ? "" : ` It cannot run here: ${visibleText(refusal)}`}
    </Text>
  );
}
