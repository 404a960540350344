import type { AuditQuery } from "@logomesh/contracts";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "../../lib/api.ts";
import { queryKeys } from "../../lib/queryKeys.ts";

const PAGE_LIMIT = 100;

export function useAuditEntries(filter: AuditQuery) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: queryKeys.auditList(filter),
    queryFn: ({ pageParam, signal }) =>
      api.queryAudit({
        query: { limit: PAGE_LIMIT, ...filter, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

/** An entry never changes. */
export function useAuditEntry(seq: number) {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.auditEntry(seq),
    queryFn: ({ signal }) => api.getAuditEntry({ params: { seq }, signal }),
    staleTime: Infinity,
  });
}

export function useVerifyAudit() {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => api.verifyAudit(),
    onSuccess: () => cache.invalidateQueries({ queryKey: queryKeys.status }),
  });
}
