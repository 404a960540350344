import { Button, FileButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import { ProblemAlert } from "../../components/States.tsx";
import { useInstall } from "./queries.ts";

/** Sends a bundle to the workbench, and opens the plugin, which asks to be granted. */
export function useInstallButton() {
  const navigate = useNavigate();
  const install = useInstall();
  const reset = useRef<() => void>(null);
  const send = (file: File | null): void => {
    if (file === null) return;
    install.mutate(file, {
      onSuccess: ({ id }) => void navigate({ to: "/plugins/$pluginId", params: { pluginId: id } }),
      // The same file can be chosen again once it was corrected.
      onSettled: () => reset.current?.(),
    });
  };
  return {
    button: (
      <FileButton onChange={send} accept=".tgz,.mcpb,.gz,.zip" resetRef={reset}>
        {(props) => (
          <Button {...props} size="xs" variant="light" loading={install.isPending}>
            Install…
          </Button>
        )}
      </FileButton>
    ),
    problem: install.isError ? <ProblemAlert error={install.error} /> : null,
  };
}
