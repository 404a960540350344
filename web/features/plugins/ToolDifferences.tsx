/** What the tools said at the last start, against those that were approved before: both texts, nothing interpreted. */
import { Alert, Code, Stack, Text } from "@mantine/core";
import type { Plugin, PluginTool } from "@logomesh/contracts";
import { visibleText } from "../../lib/format.ts";

const FIELDS = ["description", "effect", "inputSchema", "outputSchema"] as const;

export function ToolDifferences({ changes }: { changes: NonNullable<Plugin["toolChanges"]> }) {
  const { fromVersion, added, removed, changed } = changes;
  return (
    <Alert
      color="orange"
      variant="light"
      title={`Its tools say something else than in version ${visibleText(fromVersion)}`}
      styles={{ title: { color: "var(--lm-uncertain)" }, message: { color: "var(--mantine-color-text)" } }}
    >
      <Stack gap="xs">
        {added.map(({ name, description = "" }) => (
          <Text key={name} size="sm">
            New: <code>{visibleText(name)}</code> {visibleText(description)}
          </Text>
        ))}
        {removed.length === 0 ? null : <Text size="sm">Gone: {removed.map(visibleText).join(", ")}</Text>}
        {changed.map(({ name, before, after }) => (
          <div key={name}>
            <Text size="sm">
              <code>{visibleText(name)}</code> said
            </Text>
            <Said tool={before} other={after} />
            <Text size="sm">and says now</Text>
            <Said tool={after} other={before} />
          </div>
        ))}
      </Stack>
    </Alert>
  );
}

/** What of one is not in the other. */
function Said({ tool, other }: { tool: PluginTool; other: PluginTool }) {
  const fields = FIELDS.filter((field) => JSON.stringify(tool[field]) !== JSON.stringify(other[field]));
  return (
    <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
      {fields.map((field) => `${field}: ${visibleText(textOf(tool[field]))}`).join("\n")}
    </Code>
  );
}

function textOf(value: PluginTool[keyof PluginTool]): string {
  if (value === undefined) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}
