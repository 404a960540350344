import type { PutConstitutionParams } from "@logomesh/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useApi } from "../../lib/api.ts";
import { queryKeys } from "../../lib/queryKeys.ts";

/** The file may be edited by any program. */
const REFRESH_MS = 5_000;
const TYPING_PAUSE_MS = 400;

export function useConstitution() {
  const api = useApi();
  return useQuery({
    queryKey: queryKeys.constitution,
    queryFn: ({ signal }) => api.getConstitution({ signal }),
    refetchInterval: REFRESH_MS,
  });
}

/** What a text would change, or what is wrong with it, asked for a moment after the last key. */
export function usePreview(text: string) {
  const api = useApi();
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const preview = useQuery({
    queryKey: [...queryKeys.constitutionPreviews, settled],
    queryFn: ({ signal }) => api.putConstitution({ query: { preview: true }, body: { text: settled }, signal }),
    retry: false,
    gcTime: 60_000,
  });
  return { preview, isSettled: settled === text && !preview.isPending };
}

export function useSaveConstitution() {
  const api = useApi();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: PutConstitutionParams) => api.putConstitution({ body }),
    onSettled: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: queryKeys.constitution }),
        // What a text would change is judged against what is in force.
        cache.invalidateQueries({ queryKey: queryKeys.constitutionPreviews }),
      ]),
  });
}
