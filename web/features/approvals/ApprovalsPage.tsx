import { Group, Select, Text } from "@mantine/core";
import { ApprovalKindSchema, ApprovalStatusSchema, type Approval } from "@logomesh/contracts";
import { Outlet, getRouteApi, useNavigate, useParams } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { ListHeader } from "../../components/ListHeader.tsx";
import { ListPane } from "../../components/ListPane.tsx";
import { Split } from "../../components/Split.tsx";
import { EmptyState, LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { approvalLook } from "../../lib/status.ts";
import { ApprovalRow } from "./ApprovalRow.tsx";
import { KIND_LABELS } from "./kinds.ts";
import { useApprovalList } from "./queries.ts";

const route = getRouteApi("/approvals");
const STATUS_OPTIONS = [
  ...ApprovalStatusSchema.options.map((status) => ({ value: status, label: approvalLook(status).label })),
  { value: "all", label: "All" },
];
const KIND_OPTIONS = ApprovalKindSchema.options.map((kind) => ({ value: kind, label: KIND_LABELS[kind] }));

/** The inbox: what waits for a person, and on request what was decided. */
export function ApprovalsPage() {
  const filter = route.useSearch();
  const navigate = useNavigate();
  const { approvalId } = useParams({ strict: false });
  const status = filter.status ?? "pending";
  const list = useApprovalList({ status: status === "all" ? undefined : status, kind: filter.kind });
  const approvals = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const setFilter = (change: Partial<typeof filter>): void => {
    void navigate({ to: ".", search: (all) => ({ ...all, ...change }), replace: true });
  };

  return (
    <Split
      isDetailOpen={approvalId !== undefined}
      list={
        <>
          <ListHeader title="Approvals">
            <Group gap="xs" grow>
              <Select
                size="xs"
                aria-label="Status"
                data={STATUS_OPTIONS}
                value={status}
                allowDeselect={false}
                onChange={(value) =>
                  setFilter({ status: value === "all" ? "all" : ApprovalStatusSchema.safeParse(value).data })
                }
              />
              <Select
                size="xs"
                aria-label="Kind"
                placeholder="Any kind"
                data={KIND_OPTIONS}
                value={filter.kind ?? null}
                clearable
                clearButtonProps={{ "aria-label": "Any kind" }}
                onChange={(value) => setFilter({ kind: ApprovalKindSchema.safeParse(value).data })}
              />
            </Group>
          </ListHeader>
          {list.isPending ? <LoadingRows label="Loading approvals" /> : null}
          {list.isError ? <ProblemAlert error={list.error} onRetry={() => void list.refetch()} /> : null}
          {list.isSuccess && approvals.length === 0 ? (
            <NoApprovals isInbox={status === "pending" && filter.kind === undefined} />
          ) : null}
          {approvals.length > 0 ? (
            <ListPane<Approval>
              label="Approvals"
              items={approvals}
              keyOf={(approval) => approval.id}
              selectedKey={approvalId}
              onOpen={(approval) =>
                void navigate({ to: "/approvals/$approvalId", params: { approvalId: approval.id }, search: filter })
              }
              onClose={() => void navigate({ to: "/approvals", search: filter })}
              onEnd={onEnd}
              renderItem={(approval) => <ApprovalRow approval={approval} />}
            />
          ) : null}
        </>
      }
      detail={
        approvalId === undefined ? (
          <Text c="dimmed" p="xl">
            Choose what waits to read it whole and decide.
          </Text>
        ) : (
          <Outlet />
        )
      }
    />
  );
}

function NoApprovals({ isInbox }: { isInbox: boolean }) {
  if (!isInbox) return <EmptyState title="No approval fits">Choose another status or kind to see more.</EmptyState>;
  return (
    <EmptyState title="Nothing waits for you" command="script/logomesh approval list">
      When a plugin proposes to change a file, or a workflow needs a person, it waits here until you decide. Nothing is
      written before.
    </EmptyState>
  );
}
