/** Everything a person has to see before a plugin is granted anything, with the choice to grant less. */
import { Alert, Button, Checkbox, Code, Group, Stack, Table, Text, Title } from "@mantine/core";
import type { Plugin, PluginChanges } from "@logomesh/contracts";
import { useState } from "react";
import { ProblemAlert } from "../../components/States.tsx";
import { visibleText } from "../../lib/format.ts";
import { OutsideWarning } from "./Outside.tsx";
import { partOf, permissionRows, rowKey } from "./permissionRows.ts";
import { useGrant } from "./queries.ts";
import { ToolDifferences } from "./ToolDifferences.tsx";

const EFFECTS = {
  pure: "changes nothing; may be called again",
  idempotent: "takes effect once for each key; may be called again",
  once: "is never called again by itself",
} as const;

export function GrantForm({
  plugin,
  title = "It asks for, and is not granted",
}: {
  /** With the content that would be granted. */
  plugin: Plugin;
  title?: string;
}) {
  const rows = permissionRows(plugin.permissions);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [isLetOut, setIsLetOut] = useState(false);
  const grant = useGrant(plugin);
  const toggle = (key: string): void => {
    const next = new Set(left);
    if (!next.delete(key)) next.add(key);
    setLeft(next);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        grant.mutate({
          ...(left.size === 0 ? {} : { permissions: partOf(plugin.permissions, (row) => !left.has(rowKey(row))) }),
          ...(isLetOut ? { outsideSandbox: true } : {}),
        });
      }}
    >
      <Stack gap="md">
        <Title order={2} size="h3">
          {title}
        </Title>
        <OutsideWarning outside={plugin.outside} />
        {plugin.changes === undefined ? null : <Changes changes={plugin.changes} />}
        {plugin.toolChanges === undefined ? null : <ToolDifferences changes={plugin.toolChanges} />}
        {rows.length === 0 ? (
          <Text size="sm">
            Nothing beyond computing on what a call gives it: no files, no network, no model, no other plugin.
          </Text>
        ) : (
          <Stack gap="xs" role="group" aria-label="Permissions to grant">
            {rows.map((row) => (
              <Checkbox
                key={rowKey(row)}
                checked={!left.has(rowKey(row))}
                onChange={() => toggle(rowKey(row))}
                label={
                  <>
                    <code>{row.permission}</code> {visibleText(row.what)}
                  </>
                }
                description={visibleText(row.why)}
                styles={{ description: { color: "var(--lm-neutral)" } }}
              />
            ))}
          </Stack>
        )}
        <div>
          <Text size="sm" fw={600}>
            {plugin.sandboxed ? "It runs in the sandbox" : "It runs as you, without the sandbox"}
          </Text>
          <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
            {plugin.command.map(visibleArgument).join(" ")}
          </Code>
        </div>
        {plugin.tools.length === 0 ? null : (
          <div>
            <Text size="sm" fw={600}>
              Its tools, and how often a call may take effect
            </Text>
            <Table verticalSpacing={2}>
              <Table.Tbody>
                {plugin.tools.map(({ name, effect }) => (
                  <Table.Tr key={name}>
                    <Table.Td>
                      <code>{visibleText(name)}</code>
                    </Table.Td>
                    <Table.Td>
                      {effect}: {EFFECTS[effect]}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        )}
        {plugin.outside === undefined ? null : (
          <Checkbox
            color="red"
            checked={isLetOut}
            disabled={plugin.outside.refusal !== undefined}
            onChange={(event) => setIsLetOut(event.currentTarget.checked)}
            label="I let it run outside of the sandbox, with everything that I may do"
            styles={{ label: { color: "var(--lm-bad)" } }}
          />
        )}
        {grant.isError ? <ProblemAlert error={grant.error} /> : null}
        <Group gap="sm">
          <Button type="submit" size="compact-md" loading={grant.isPending}>
            Grant {visibleText(plugin.name)}
          </Button>
          <Text size="sm" c="dimmed">
            {left.size === 0
              ? "For exactly this content, until you take it back."
              : `Without ${left.size} of ${rows.length}. What it needs them for will be denied.`}
          </Text>
        </Group>
      </Stack>
    </form>
  );
}

/** What an upgrade changes against the version that was granted. */
function Changes({ changes }: { changes: PluginChanges }) {
  const { permissions, tools, fields, fromVersion } = changes;
  const facts = [
    ["New permissions", Object.keys(permissions.added)],
    ["Permissions asked for differently", Object.keys(permissions.changed)],
    ["Permissions no longer asked for", Object.keys(permissions.removed)],
    ["New tools", tools.added],
    ["Tools with another effect", tools.changed],
    ["Tools that are gone", tools.removed],
    ["Also changed", fields],
  ] as const;
  const found = facts.filter(([, names]) => names.length > 0);
  return (
    <Alert
      color="orange"
      variant="light"
      title={`Since version ${visibleText(fromVersion)}, which you granted`}
      styles={{ title: { color: "var(--lm-uncertain)" }, message: { color: "var(--mantine-color-text)" } }}
    >
      {found.length === 0
        ? "Its files are others; permissions, tools and command are the same."
        : found.map(([what, names]) => (
            <Text key={what} size="sm">
              {what}: {names.map(visibleText).join(", ")}
            </Text>
          ))}
    </Alert>
  );
}

/** As a shell would need it, so that no space or empty argument hides. */
function visibleArgument(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${visibleText(argument).replaceAll("'", `'\\''`)}'`;
}
