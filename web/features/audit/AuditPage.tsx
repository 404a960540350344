import { Button, Group, Pill, Text } from "@mantine/core";
import type { AuditEntry, AuditQuery } from "@logomesh/contracts";
import { IconRefresh, IconShieldCheck } from "@tabler/icons-react";
import { Outlet, getRouteApi, useNavigate, useParams } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { FilterField } from "../../components/FilterField.tsx";
import { ListHeader } from "../../components/ListHeader.tsx";
import { ListPane } from "../../components/ListPane.tsx";
import { Split } from "../../components/Split.tsx";
import { EmptyState, LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { AuditFilters } from "./AuditFilters.tsx";
import { AuditRow } from "./AuditRow.tsx";
import { VerifyResult } from "./VerifyResult.tsx";
import { FILTERS } from "./filters.ts";
import { useAuditEntries, useVerifyAudit } from "./queries.ts";

const route = getRouteApi("/audit");

export function AuditPage() {
  const filter = route.useSearch();
  const { seq } = useParams({ strict: false });
  const navigate = useNavigate();
  const list = useAuditEntries(filter);
  const verify = useVerifyAudit();
  const entries = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const setFilter = (change: AuditQuery): void => {
    void navigate({ to: "/audit", search: { ...filter, ...change }, replace: true });
  };
  const isVerifyShown = verify.isPending || verify.isError || verify.isSuccess;

  return (
    <Split
      isDetailOpen={seq !== undefined || isVerifyShown}
      list={
        <>
          <ListHeader
            title="Audit"
            action={
              <Group gap="xs" wrap="nowrap">
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label="Look for new entries"
                  title="Look for new entries"
                  loading={list.isRefetching && !isFetchingNextPage}
                  onClick={() => void list.refetch()}
                >
                  <IconRefresh size={14} aria-hidden />
                </Button>
                <Button
                  size="compact-sm"
                  leftSection={<IconShieldCheck size={14} aria-hidden />}
                  loading={verify.isPending}
                  onClick={() => {
                    verify.mutate();
                    void navigate({ to: "/audit", search: filter });
                  }}
                >
                  Verify
                </Button>
              </Group>
            }
          >
            <Group gap="xs" wrap="nowrap">
              <FilterField label="Search what was written" filter={filter.q} onFilter={(q) => setFilter({ q })} />
              <AuditFilters filter={filter} onFilter={setFilter} />
            </Group>
            <ActiveFilters filter={filter} onFilter={setFilter} />
          </ListHeader>
          {list.isPending ? <LoadingRows label="Loading entries" /> : null}
          {list.isError ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : null}
          {list.isSuccess && entries.length === 0 ? <NoEntries isFiltered={Object.keys(filter).length > 0} /> : null}
          {entries.length > 0 ? (
            <ListPane<AuditEntry>
              label="Audit entries"
              items={entries}
              keyOf={(entry) => String(entry.seq)}
              selectedKey={seq}
              onOpen={(entry) =>
                void navigate({ to: "/audit/$seq", params: { seq: String(entry.seq) }, search: filter })
              }
              onClose={() => {
                if (seq === undefined) verify.reset();
                void navigate({ to: "/audit", search: filter });
              }}
              onEnd={onEnd}
              renderItem={(entry) => <AuditRow entry={entry} />}
            />
          ) : null}
        </>
      }
      detail={
        seq !== undefined ? (
          <Outlet />
        ) : isVerifyShown ? (
          <VerifyResult verify={verify} onClose={() => verify.reset()} />
        ) : (
          <Text c="dimmed" p="xl">
            Choose an entry to read it whole, or verify the log.
          </Text>
        )
      }
    />
  );
}

function ActiveFilters({ filter, onFilter }: { filter: AuditQuery; onFilter: (change: AuditQuery) => void }) {
  const active = FILTERS.filter(({ key }) => filter[key] !== undefined);
  if (active.length === 0) return null;
  return (
    <Group gap={4}>
      {active.map(({ key, label }) => (
        <Pill
          key={key}
          withRemoveButton
          removeButtonProps={{ "aria-label": `Remove the filter ${label}`, "aria-hidden": false, tabIndex: 0 }}
          onRemove={() => onFilter({ [key]: undefined })}
        >
          {label}: {filter[key]}
        </Pill>
      ))}
    </Group>
  );
}

function NoEntries({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered ? (
    <EmptyState title="No entry fits">Remove a filter to see more.</EmptyState>
  ) : (
    <EmptyState title="Nothing is logged yet" command="script/logomesh audit query">
      Every run, step, plugin call and model call leaves an entry here that cannot be changed unnoticed.
    </EmptyState>
  );
}
