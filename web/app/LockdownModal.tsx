/** Asks once before everything privileged is stopped. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ProblemAlert } from "../components/States.tsx";
import { useApi } from "../lib/api.ts";
import { queryKeys } from "../lib/queryKeys.ts";

const REASON_CHARS_MAX = 500;

export function LockdownModal({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const [reason, setReason] = useState("");
  const lock = useMutation({
    mutationFn: () => api.beginLockdown({ body: reason.trim() === "" ? {} : { reason: reason.trim() } }),
    onSuccess: (state) => {
      cache.setQueryData(queryKeys.lockdown, state);
      void cache.invalidateQueries();
      onClose();
    },
  });
  return (
    <Modal opened={opened} onClose={onClose} title="Lock down" closeButtonProps={{ "aria-label": "Close" }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          lock.mutate();
        }}
      >
        <Stack gap="md">
          <Text size="sm">
            Every plugin is ended at once, every run is stopped where it is, and nothing may use a model, the network,
            files or thoughts until you leave the lockdown. It stays on when LogoMesh is started again. Steps that are
            under way and must not happen twice will need your decision afterwards.
          </Text>
          <TextInput
            label="Reason, for whoever sees it"
            value={reason}
            maxLength={REASON_CHARS_MAX}
            onChange={(event) => setReason(event.currentTarget.value)}
            data-autofocus
          />
          {lock.isError ? <ProblemAlert error={lock.error} /> : null}
          <Group gap="sm" justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" color="red" loading={lock.isPending}>
              Lock down now
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
