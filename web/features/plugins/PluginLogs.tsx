import { Text } from "@mantine/core";
import { EmptyState, LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { visibleText } from "../../lib/format.ts";
import classes from "./Plugins.module.css";
import { usePluginLogs } from "./queries.ts";

export function PluginLogs({ pluginId }: { pluginId: string }) {
  const logs = usePluginLogs(pluginId);
  if (logs.isPending) return <LoadingRows rows={3} label="Loading the log" />;
  if (logs.isError) return <ProblemAlert error={logs.error} onRetry={() => void logs.refetch()} />;
  if (logs.data.length === 0) {
    return (
      <EmptyState title="It has written nothing">What a plugin writes to its standard error appears here.</EmptyState>
    );
  }
  return (
    <>
      <Text size="xs" c="dimmed" px="lg" pt="md">
        The last lines of its standard error, newest at the end.
      </Text>
      <pre className={classes["log"]} tabIndex={0} role="log" aria-label="Log of the plugin">
        {logs.data.map(visibleText).join("\n")}
      </pre>
    </>
  );
}
