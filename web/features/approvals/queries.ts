/** What the approvals pages ask of the workbench. A live message makes them ask again. */
import type { ApprovalDetail, ApprovalKind, ApprovalStatus, DecideApprovalParams } from "@logomesh/contracts";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useApi } from "../../lib/api.ts";
import { queryKeys } from "../../lib/queryKeys.ts";

const PAGE_LIMIT = 100;

export function useApprovalList(filter: { status: ApprovalStatus | undefined; kind: ApprovalKind | undefined }) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: queryKeys.approvalList(filter),
    queryFn: ({ pageParam, signal }) =>
      api.listApprovals({
        query: {
          limit: PAGE_LIMIT,
          ...(filter.status === undefined ? {} : { status: filter.status }),
          ...(filter.kind === undefined ? {} : { kind: filter.kind }),
          ...(pageParam === undefined ? {} : { cursor: pageParam }),
        },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

export function useApproval(approvalId: string) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.approval(approvalId),
    queryFn: ({ signal }) => api.getApproval({ params: { id: approvalId }, signal }),
  });
}

export function useDecide(approvalId: string) {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: DecideApprovalParams) => api.decideApproval({ params: { id: approvalId }, body }),
    onSuccess: (decided) => remember(cache, decided),
    // Somebody else decided, or it expired: the page shows what it is by now.
    onError: () => cache.invalidateQueries({ queryKey: queryKeys.approval(approvalId) }),
  });
}

export function useUndo(approvalId: string) {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => api.undoApproval({ params: { id: approvalId } }),
    onSuccess: (undone) => remember(cache, undone),
  });
}

function remember(cache: QueryClient, approval: ApprovalDetail): void {
  cache.setQueryData(queryKeys.approval(approval.id), approval);
  void cache.invalidateQueries({ queryKey: queryKeys.approvalLists });
  void cache.invalidateQueries({ queryKey: queryKeys.pendingApprovals });
}
