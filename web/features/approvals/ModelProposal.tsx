import { Stack, Text, Title } from "@mantine/core";
import type { ModelChoice, ModelProposal as Proposal } from "@logomesh/contracts";
import { Fact } from "../../components/Facts.tsx";
import { JsonView } from "../../components/JsonView.tsx";
import { visibleText } from "../../lib/format.ts";

/** Which model an alias would stand for, and what it would replace. */
export function ModelProposal({ proposal }: { proposal: Proposal }) {
  const { alias, model, provider, options, why, replaces } = proposal;
  return (
    <>
      <Title order={2} size="h3" style={{ overflowWrap: "anywhere" }}>
        {visibleText(alias)} → {visibleText(model)}
      </Title>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        “{visibleText(why)}”
      </Text>
      <Stack gap={2}>
        <Fact name="Provider">{visibleText(provider)}</Fact>
        <Fact name="Replaces">{replaces === null ? "the workbench's own choice" : nameOf(replaces)}</Fact>
      </Stack>
      {options === undefined || Object.keys(options).length === 0 ? null : (
        <JsonView value={options} label="options for every call" />
      )}
    </>
  );
}

export function modelConsequenceOf({ alias, model }: Proposal): string {
  return `From now on ${visibleText(alias)} is answered by ${visibleText(model)}. You can undo that.`;
}

function nameOf({ model, provider }: ModelChoice): string {
  return `${visibleText(model)} (${visibleText(provider)})`;
}
