import { queryOptions } from "@tanstack/react-query";
import { api, inOrg, unwrap } from "@/shared/api/client";
import { instantsOf } from "@/shared/table/filters";
import { previousIn } from "@/shared/table/previousIn";
import type { components } from "@/types/api";

/** An execution in the list. */
export type Run = components["schemas"]["ExecutionSummary"];
type Status = components["schemas"]["ExecutionStatus"];

/** Everything that can end an execution, and everything before. */
export const statuses = [
  "Pending",
  "Running",
  "Success",
  "Failed",
  "TimedOut",
  "Interrupted",
  "Cancelled",
] as const satisfies Status[];

/** The filters of the list, as they stand in the URL. */
export const executionFilters = ["q", "status", "workflow", "user", "from", "to"] as const;

/** Milliseconds between two looks for new runs, while the page is in front. */
const lookEveryMs = 10_000;

interface Question {
  filters: Record<string, string>;
  cursor: string | undefined;
  size: number;
}

/** A page of executions, newest first. The first page looks for new ones by itself. */
export function executionsQuery(orgId: string, { filters, cursor, size }: Question) {
  return queryOptions({
    queryKey: ["orgs", orgId, "executions", "list", { filters, cursor, size }],
    queryFn: ({ signal }) => {
      const { q, workflow, user } = filters;
      const status = statuses.find((known) => known === filters.status);
      const query = { q, workflow, user, status, ...instantsOf(filters.from, filters.to), cursor, limit: size };
      return unwrap(api.GET("/api/executions", { ...inOrg(orgId), params: { query }, signal }));
    },
    // Whoever opens the list sees the run they just started.
    staleTime: 0,
    placeholderData: previousIn(orgId),
    refetchInterval: cursor === undefined ? lookEveryMs : false,
  });
}
