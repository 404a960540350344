/** What a plugin kept while it had read private data, and what that means. */
import { Stack, Text, Title } from "@mantine/core";
import type { Plugin } from "@logomesh/contracts";
import { formatCount, formatExact } from "../../lib/format.ts";

export function PrivateDataNote({ plugin: { id, privateData } }: { plugin: Pick<Plugin, "id" | "privateData"> }) {
  if (privateData === undefined) return null;
  const { since, folder, values, blobs } = privateData;
  const kept = [
    ...(folder ? ["its folder /data"] : []),
    ...(values > 0 ? [formatCount(values, "value")] : []),
    ...(blobs > 0 ? [formatCount(blobs, "blob")] : []),
  ];
  return (
    <Stack gap="xs">
      <Title order={2} size="h3">
        Private data
      </Title>
      <Text size="sm">
        Since {formatExact(since)} it keeps what it may have read of your notes and files
        {kept.length === 0 ? "" : `: ${kept.join(", ")}`}. Whoever reads that handles private data from then on.
      </Text>
      <Text size="sm" c="dimmed">
        “Forget private data” above deletes it. If it is not private, say so in a terminal: logomesh plugin declassify{" "}
        {id} --why …
      </Text>
    </Stack>
  );
}
