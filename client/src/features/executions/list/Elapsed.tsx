import { formatDuration } from "@/shared/time/format";
import { useNow } from "@/shared/time/useNow";
import type { Run } from "./runsQuery";

/** How long a run took, or has taken so far. */
export function Elapsed({ run }: { run: Run }) {
  const isRunning = run.status === "Running";
  const now = useNow(isRunning ? 1_000 : null);
  if (isRunning) {
    return formatDuration(Math.max(0, now.getTime() - Date.parse(run.started_at)));
  }
  return typeof run.duration_ms === "number" ? formatDuration(run.duration_ms) : null;
}
