import { Button, Group, Popover, Stack, TextInput } from "@mantine/core";
import type { AuditQuery } from "@logomesh/contracts";
import { IconFilter } from "@tabler/icons-react";
import { useState } from "react";
import { FILTERS } from "./filters.ts";

interface AuditFiltersProps {
  filter: AuditQuery;
  onFilter: (change: AuditQuery) => void;
}

export function AuditFilters({ filter, onFilter }: AuditFiltersProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" width={280} trapFocus withArrow>
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          aria-label="More filters"
          title="More filters"
          style={{ flex: "none" }}
          onClick={() => setOpen(!isOpen)}
        >
          <IconFilter size={14} aria-hidden />
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <FilterForm
          filter={filter}
          onFilter={(change) => {
            setOpen(false);
            onFilter(change);
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
}

function FilterForm({ filter, onFilter }: AuditFiltersProps) {
  const [values, setValues] = useState<AuditQuery>(filter);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onFilter(
          Object.fromEntries(
            FILTERS.map(({ key }) => [key, values[key]?.trim() === "" ? undefined : values[key]?.trim()]),
          ),
        );
      }}
    >
      <Stack gap="xs">
        {FILTERS.map(({ key, label, example }) => (
          <TextInput
            key={key}
            size="xs"
            label={label}
            placeholder={example}
            value={values[key] ?? ""}
            onChange={(event) => {
              const { value } = event.currentTarget;
              setValues((known) => ({ ...known, [key]: value }));
            }}
          />
        ))}
        <Group>
          <Button type="submit" size="compact-sm">
            Apply
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
