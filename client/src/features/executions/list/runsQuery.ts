import { type ExecutionSummary, executionsQuery } from "@/shared/executions/executions";
import type { Status } from "@/shared/status/StatusBadge";
import { instantsOf } from "@/shared/table/filters";
import { previousIn } from "@/shared/table/previousIn";

/** An execution in the list. */
export type Run = ExecutionSummary;

/** Where an execution can stand, from its beginning to its end. */
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
export const runFilters = ["q", "status", "workflow", "user", "from", "to"] as const;

/** Milliseconds between two looks for new runs, while the page is in front. */
const lookEveryMs = 10_000;

/** Longest search the server takes. */
const maxSearchLength = 200;

interface Question {
  filters: Record<string, string>;
  cursor: string | undefined;
  size: number;
}

/** A page of runs, newest first. The first page looks for new ones by itself. */
export function runsQuery(orgId: string, { filters, cursor, size }: Question) {
  const { q, status, workflow, user, from, to } = filters;
  return {
    ...executionsQuery(orgId, {
      q: q?.slice(0, maxSearchLength),
      status,
      workflow,
      user,
      ...instantsOf(from, to),
      cursor,
      limit: size,
    }),
    // Whoever opens the list sees the run they just started.
    staleTime: 0,
    placeholderData: previousIn(orgId),
    refetchInterval: cursor === undefined ? lookEveryMs : (false as const),
  };
}
