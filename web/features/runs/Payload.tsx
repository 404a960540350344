import { Button, Group, Text } from "@mantine/core";
import type { JsonValue } from "@logomesh/contracts";
import { JsonView } from "../../components/JsonView.tsx";
import { formatBytes } from "../../lib/format.ts";

interface PayloadProps {
  value: JsonValue | undefined;
  /** Set when the value was left out for its size. */
  bytes: number | undefined;
  label: string;
  empty: string;
  isLoading: boolean;
  onLoad: () => void;
}

/** An input or output; a large one when it is asked for. */
export function Payload({ value, bytes, label, empty, isLoading, onLoad }: PayloadProps) {
  if (value !== undefined || bytes === undefined) return <JsonView value={value} label={label} empty={empty} />;
  return (
    <Group gap="sm">
      <Text size="sm">{formatBytes(bytes)} of JSON.</Text>
      <Button size="compact-sm" variant="default" loading={isLoading} onClick={onLoad} aria-label={`Load ${label}`}>
        Load
      </Button>
    </Group>
  );
}
