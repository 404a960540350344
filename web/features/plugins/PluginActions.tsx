import { Button, Popover, Stack, Text } from "@mantine/core";
import type { Plugin } from "@logomesh/contracts";
import { useState } from "react";
import type { PluginAction, usePluginAction } from "./queries.ts";
import { permissionRows } from "./permissionRows.ts";

const RUNNING = ["loading", "ready", "busy", "draining", "unresponsive"];

const WORDS: Record<PluginAction, { label: string; does: string }> = {
  load: { label: "Start", does: "" },
  unload: { label: "Stop", does: "" },
  grant: { label: "Grant", does: "This version may do what its permissions list says, until you take it back." },
  revoke: {
    label: "Revoke",
    does: "The plugin is stopped and cannot start again until it is granted. Runs that call it fault.",
  },
  release: { label: "Release", does: "The plugin leaves quarantine and may be started again." },
};

/** What can be done now; what changes rights asks once. */
function actionsOf(plugin: Plugin): PluginAction[] {
  if (plugin.state === "quarantined") return ["release"];
  if (!plugin.granted) return ["grant"];
  return [RUNNING.includes(plugin.state) ? "unload" : "load", "revoke"];
}

interface PluginActionsProps {
  plugin: Plugin;
  /** Its failure is shown by the page. */
  act: ReturnType<typeof usePluginAction>;
}

export function PluginActions({ plugin, act }: PluginActionsProps) {
  const [asked, setAsked] = useState<PluginAction>();
  const count = permissionRows(plugin.permissions).length;
  return (
    <>
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
                {action === "grant" ? (
                  <Text size="sm">It asks for {count === 0 ? "nothing" : `${count}`} permissions.</Text>
                ) : null}
                <Button
                  size="compact-sm"
                  color={action === "revoke" ? "red" : "indigo"}
                  onClick={() => {
                    setAsked(undefined);
                    act.mutate(action);
                  }}
                >
                  {label} {plugin.name}
                </Button>
              </Stack>
            </Popover.Dropdown>
          </Popover>
        );
      })}
    </>
  );
}
