import { type ExecutionSummary, executionsQuery } from "@/shared/executions/executions";

/** How many runs are looked at: one answer of the server. */
const runsLookedAt = 200;

/** The newest run of each workflow, as far back as one answer reaches. */
export interface LastRuns {
  runs: Map<string, ExecutionSummary>;
  /** Workflows without a run here have not run since this instant; absent, they never have. */
  since: string | undefined;
}

/** The last run of every workflow, from one question instead of one for each. */
export function lastRunsQuery(orgId: string) {
  return {
    ...executionsQuery(orgId, { limit: runsLookedAt }),
    select: (page: { items: ExecutionSummary[]; next_cursor?: string | null }): LastRuns => ({
      // Of several entries under one key the last one stays: the newest.
      runs: new Map(page.items.toReversed().map((run) => [run.workflow_name, run])),
      since: page.next_cursor ? page.items.at(-1)?.started_at : undefined,
    }),
  };
}
