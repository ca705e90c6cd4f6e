import { queryOptions } from "@tanstack/react-query";
import { api, inOrg, unwrap } from "@/shared/api/client";

/** Lists of the start page are refreshed while it is looked at. */
const REFRESH_MS = 5_000;
const SHOWN = 6;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** How far back "most used" looks. */
const USED_AMONG = 200;

/** What counts as failed. */
export const FAILED = "Failed,TimedOut,Interrupted";

/** One's own runs that work or wait, then those that ended last. */
export function myRunsQuery(orgId: string, userId: string) {
  return queryOptions({
    queryKey: ["orgs", orgId, "executions", "mine-at-home", userId],
    queryFn: async ({ signal }) => {
      const query = { user: userId, limit: SHOWN };
      const list = (status?: string) =>
        unwrap(api.GET("/api/executions", { params: { query: { ...query, status } }, ...inOrg(orgId), signal }));
      const [active, recent] = await Promise.all([list("Running,Pending"), list()]);
      const known = new Set(active.items.map(({ id }) => id));
      return [...active.items, ...recent.items.filter(({ id }) => !known.has(id))].slice(0, SHOWN);
    },
    refetchInterval: REFRESH_MS,
  });
}

/** What failed in the last 24 hours, as far as the caller may see it. */
export function failuresQuery(orgId: string) {
  return queryOptions({
    queryKey: ["orgs", orgId, "executions", "failures-at-home"],
    queryFn: async ({ signal }) => {
      const query = { status: FAILED, from: dayAgo(), limit: SHOWN };
      return (await unwrap(api.GET("/api/executions", { params: { query }, ...inOrg(orgId), signal }))).items;
    },
    refetchInterval: REFRESH_MS * 3,
  });
}

/** How often the caller ran each workflow lately, by its name. */
export function usedQuery(orgId: string, userId: string) {
  return queryOptions({
    queryKey: ["orgs", orgId, "executions", "used-at-home", userId],
    queryFn: async ({ signal }) => {
      const query = { user: userId, limit: USED_AMONG };
      const { items } = await unwrap(api.GET("/api/executions", { params: { query }, ...inOrg(orgId), signal }));
      const counts = new Map<string, number>();
      for (const { workflow_name } of items) {
        counts.set(workflow_name, (counts.get(workflow_name) ?? 0) + 1);
      }
      return counts;
    },
    staleTime: 60_000,
  });
}

/** 24 hours before now. */
function dayAgo(): string {
  return new Date(Date.now() - DAY_MS).toISOString();
}
