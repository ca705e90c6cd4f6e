import type { Run } from "./runsQuery";

/** The rows on show after the list was read again, and what showing the list as it is now would change. */
export interface Reconciled {
  rows: Run[];
  /** Runs that are newer than those on show. */
  newRuns: number;
  /** Whether runs on show no longer match the filters. */
  hasChanged: boolean;
}

/**
 * Brings the rows on show up to date without moving any of them under the pointer.
 *
 * @param shown the rows as they were when the person last asked for them.
 * @param latest the same page of the list as it is now.
 * @param hasMore whether the list goes on behind `latest`.
 */
export function reconcile(shown: Run[], latest: Run[], hasMore: boolean): Reconciled {
  const now = new Map(latest.map((run) => [run.id, run]));
  const before = new Set(shown.map((run) => run.id));
  const firstKnown = latest.findIndex((run) => before.has(run.id));
  const oldest = latest.at(-1);
  // What new runs have pushed off the page is older than its last row.
  const isOnPage = (run: Run) => !hasMore || (oldest !== undefined && startOf(run) > startOf(oldest));
  return {
    rows: shown.map((run) => now.get(run.id) ?? run),
    newRuns: firstKnown < 0 ? latest.length : firstKnown,
    hasChanged: shown.some((run) => !now.has(run.id) && isOnPage(run)),
  };
}

function startOf(run: Run): number {
  return Date.parse(run.started_at);
}
