import { Badge } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useApi } from "../lib/api.ts";
import { queryKeys } from "../lib/queryKeys.ts";

/** More than this is shown as such, and not counted. */
const COUNTED_MAX = 99;

/** How much waits for a person; nothing when nothing does. Live messages keep it up to date. */
export function PendingBadge() {
  const api = useApi();
  const pending = useQuery({
    queryKey: queryKeys.pendingApprovals,
    queryFn: async ({ signal }) => {
      const page = await api.listApprovals({ query: { status: "pending", limit: COUNTED_MAX + 1 }, signal });
      return page.items.length;
    },
  });
  const count = pending.data ?? 0;
  if (count === 0) return null;
  const text = count > COUNTED_MAX ? `${COUNTED_MAX}+` : String(count);
  return (
    <Badge size="sm" circle={text.length === 1} color="indigo" variant="filled" aria-label={`${text} waiting`}>
      {text}
    </Badge>
  );
}
