import { Button, Popover, Stack, Text } from "@mantine/core";
import type { Plugin } from "@logomesh/contracts";
import { useState } from "react";
import type { PluginAction, usePluginAction } from "./queries.ts";

const RUNNING = ["loading", "ready", "busy", "draining", "unresponsive"];

const WORDS: Record<PluginAction, { label: string; does: string }> = {
  load: { label: "Start", does: "" },
  unload: { label: "Stop", does: "" },
  restart: { label: "Restart", does: "" },
  reset: { label: "Close circuits", does: "" },
  revoke: {
    label: "Revoke",
    does: "The plugin is stopped and cannot start again until it is granted. Runs that call it fault.",
  },
  forget: {
    label: "Forget private data",
    does: "What it kept while it had read private data is deleted for good, and its whole folder /data. Its process ends.",
  },
  release: { label: "Release", does: "The plugin leaves quarantine and may be started again." },
};

/** What can be done now; what changes rights asks once. */
function actionsOf(plugin: Plugin): PluginAction[] {
  if (plugin.state === "quarantined") return ["release"];
  if (!plugin.granted) return [];
  const isRunning = RUNNING.includes(plugin.state);
  return [
    ...(isRunning ? (["restart", "unload"] as const) : (["load"] as const)),
    ...(plugin.privateData === undefined ? [] : (["forget"] as const)),
    "revoke",
  ];
}

interface PluginActionsProps {
  plugin: Plugin;
  /** Its failure is shown by the page. */
  act: ReturnType<typeof usePluginAction>;
  /** Leads to what is asked for. */
  onGrant: () => void;
}

export function PluginActions({ plugin, act, onGrant }: PluginActionsProps) {
  const [asked, setAsked] = useState<PluginAction>();
  return (
    <>
      {(plugin.granted && plugin.waiting === undefined) || plugin.state === "invalid" ? null : (
        // What it asks for, and the choice, are on that page.
        <Button size="compact-sm" onClick={onGrant}>
          {plugin.waiting === undefined ? "Grant" : "Review the upgrade"}
        </Button>
      )}
      {actionsOf(plugin).map((action) => {
        const { label, does } = WORDS[action];
        const button = (
          <Button
            size="compact-sm"
            variant="default"
            loading={act.isPending && act.variables === action}
            onClick={() => (does === "" ? act.mutate(action) : setAsked(action))}
          >
            {label}
          </Button>
        );
        if (does === "") return <span key={action}>{button}</span>;
        return (
          <Popover
            key={action}
            opened={asked === action}
            onChange={(isOpen) => setAsked(isOpen ? action : undefined)}
            width={280}
            position="bottom-end"
            withArrow
            trapFocus
          >
            <Popover.Target>{button}</Popover.Target>
            <Popover.Dropdown>
              <Stack gap="sm" align="flex-start">
                <Text size="sm">{does}</Text>
                <Button
                  size="compact-sm"
                  color={action === "release" ? "indigo" : "red"}
                  onClick={() => {
                    setAsked(undefined);
                    act.mutate(action);
                  }}
                >
                  {label}
                  {action === "forget" ? "" : ` ${plugin.name}`}
                </Button>
              </Stack>
            </Popover.Dropdown>
          </Popover>
        );
      })}
    </>
  );
}
