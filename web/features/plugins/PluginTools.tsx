import { Accordion, Badge, Button, Group, Stack, Text } from "@mantine/core";
import type { CallToolResult, JsonObject, JsonValue, Plugin, PluginTool } from "@logomesh/contracts";
import { useState } from "react";
import { JsonField } from "../../components/JsonField.tsx";
import { JsonView } from "../../components/JsonView.tsx";
import { EmptyState, ProblemAlert } from "../../components/States.tsx";
import { StatusBadge } from "../../components/StatusBadge.tsx";
import { formatDuration, visibleText } from "../../lib/format.ts";
import { taskLook } from "../../lib/status.ts";
import { exampleOf, parseArguments } from "./toolArguments.ts";
import { useCallTool, usePluginAction } from "./queries.ts";

interface PluginToolsProps {
  plugin: Plugin;
  openTool: string | undefined;
  onOpen: (tool: string | undefined) => void;
}

export function PluginTools({ plugin, openTool, onOpen }: PluginToolsProps) {
  const load = usePluginAction(plugin);
  if (plugin.tools.length === 0) {
    return (
      <EmptyState
        title="Its tools are not known yet"
        action={
          <Button loading={load.isPending} disabled={!plugin.granted} onClick={() => load.mutate("load")}>
            Start the plugin
          </Button>
        }
      >
        A plugin says which tools it has when it starts.
        {load.isError ? <ProblemAlert error={load.error} /> : null}
      </EmptyState>
    );
  }
  return (
    <Accordion value={openTool ?? null} onChange={(tool) => onOpen(tool ?? undefined)} chevronPosition="left" order={2}>
      {plugin.tools.map((tool) => (
        <Accordion.Item key={tool.name} value={tool.name}>
          <Accordion.Control>
            <Group gap="sm">
              <Text fw={550}>{visibleText(tool.name)}</Text>
              <Badge variant="default" radius="sm" title="How often its effect may happen">
                {tool.effect}
              </Badge>
              <Text size="sm" c="dimmed">
                {visibleText(tool.description ?? "")}
              </Text>
            </Group>
          </Accordion.Control>
          <Accordion.Panel>
            {openTool === tool.name ? <TryTool pluginId={plugin.id} tool={tool} /> : null}
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}

function TryTool({ pluginId, tool }: { pluginId: string; tool: PluginTool }) {
  const call = useCallTool(pluginId, tool.name);
  const [text, setText] = useState(() => JSON.stringify(exampleOf(tool.inputSchema), null, 2));
  const [fault, setFault] = useState<string>();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const parsed = parseArguments(text);
        setFault("fault" in parsed ? parsed.fault : undefined);
        if ("arguments" in parsed) call.mutate({ arguments: parsed.arguments });
      }}
    >
      <Stack gap="sm">
        <JsonField label="Arguments" minRows={3} maxRows={14} value={text} onChange={setText} error={fault ?? null} />
        <Group>
          <Button type="submit" size="compact-sm" loading={call.isPending}>
            Call {tool.name}
          </Button>
          <Text size="xs" c="dimmed">
            The call is recorded in the audit log.
          </Text>
        </Group>
        {call.isError ? <ProblemAlert error={call.error} /> : null}
        {call.isSuccess ? <Result result={call.data} /> : null}
        {tool.inputSchema === undefined ? null : <Schema schema={tool.inputSchema} />}
      </Stack>
    </form>
  );
}

function Result({ result }: { result: CallToolResult }) {
  const value = result.structuredContent ?? (result.content as JsonValue);
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <StatusBadge look={taskLook(result.isError ? "faulted" : "completed")} />
        <Text size="sm" c="dimmed">
          {formatDuration(result.durationMs)}
        </Text>
      </Group>
      <JsonView value={value} label="result of the call" />
    </Stack>
  );
}

function Schema({ schema }: { schema: JsonObject }) {
  return (
    <Stack gap="xs">
      <Text size="sm" c="dimmed">
        Schema of the arguments
      </Text>
      <JsonView value={schema} label="schema of the arguments" />
    </Stack>
  );
}
