import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/shared/api/client";
import { meQuery, type Pause } from "@/shared/me/me";
import type { Org } from "@/shared/org/org";
import type { components } from "@/types/api";

/** What to pause, and why. */
type NewPause = { id: string } & components["schemas"]["SetPause"];

/** Pauses everything, an organization or a workflow. */
export function usePause() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...body }: NewPause) => unwrap(api.PUT("/api/pauses/{id}", { params: { path: { id } }, body })),
    onSettled: () => queryClient.invalidateQueries({ queryKey: meQuery.queryKey }),
  });
}

/** Lets what was paused go on. */
export function useResume() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => unwrap(api.DELETE("/api/pauses/{id}", { params: { path: { id } } })),
    onSettled: () => queryClient.invalidateQueries({ queryKey: meQuery.queryKey }),
  });
}

/** The pauses that concern what this organization's pages show. */
export function pausesFor(pauses: Pause[], org: Org): Pause[] {
  return pauses.filter((pause) => !pause.org_id || org.isAll || pause.org_id === org.id);
}
