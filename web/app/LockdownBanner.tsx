/** Says on every page that nothing privileged runs, why, and lets an admin leave. */
import { Button, Group, Text } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "../lib/api.ts";
import { visibleText } from "../lib/format.ts";
import { problemOf } from "../lib/problems.ts";
import { queryKeys } from "../lib/queryKeys.ts";
import classes from "./LockdownBanner.module.css";

/** Whoever turns it on elsewhere wants it seen soon. */
const REFRESH_MS = 5_000;

export function LockdownBanner() {
  const api = useApi();
  const cache = useQueryClient();
  const [isAsked, setAsked] = useState(false);
  const { data: lockdown } = useQuery({
    queryKey: queryKeys.lockdown,
    queryFn: ({ signal }) => api.getLockdown({ signal }),
    refetchInterval: REFRESH_MS,
  });
  const leave = useMutation({
    mutationFn: () => api.endLockdown(),
    onSuccess: (state) => {
      setAsked(false);
      cache.setQueryData(queryKeys.lockdown, state);
      void cache.invalidateQueries();
    },
  });
  if (lockdown?.on !== true) return null;
  const { reason, setBy, setAt } = lockdown;
  return (
    <div className={classes["banner"]} role="alert">
      <IconLock size={20} aria-hidden className={classes["icon"] ?? ""} />
      <div className={classes["text"]}>
        <Text fw={650}>Locked down: nothing privileged runs</Text>
        <Text size="sm">{visibleText(reason)}</Text>
        <Text size="xs">
          Since {new Date(setAt).toLocaleString("en-GB")} by {visibleText(setBy)}.{" "}
          {isAsked
            ? "Leaving allows plugins, models and the network again, and goes on with the runs that were stopped."
            : "In a terminal: logomesh lockdown off"}
        </Text>
        {leave.isError ? <Text size="sm">{visibleText(problemOf(leave.error).detail ?? "")}</Text> : null}
      </div>
      <Group gap="xs">
        {isAsked ? (
          <Button size="compact-sm" color="red" loading={leave.isPending} onClick={() => leave.mutate()}>
            Leave it
          </Button>
        ) : null}
        <Button size="compact-sm" variant="default" onClick={() => setAsked(!isAsked)}>
          {isAsked ? "Stay" : "Leave the lockdown…"}
        </Button>
      </Group>
    </div>
  );
}
