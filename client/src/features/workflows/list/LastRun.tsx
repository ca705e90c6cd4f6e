import { Group, Text } from "@mantine/core";
import { StatusBadge } from "@/shared/status/StatusBadge";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { strings } from "@/strings/workflows";
import type { LastRuns } from "./lastRuns";

/** When a workflow ran last and how that ended. */
export function LastRun({ workflow, lastRuns }: { workflow: string; lastRuns: LastRuns | undefined }) {
  if (!lastRuns) {
    return null;
  }
  const run = lastRuns.runs.get(workflow);
  if (run) {
    return (
      <Group gap="xs" wrap="nowrap">
        <StatusBadge status={run.status} />
        <RelativeTime at={run.started_at} />
      </Group>
    );
  }
  return (
    <Text fz="inherit" c="dimmed" component="span">
      {lastRuns.since ? (
        <>
          {strings.before} <RelativeTime at={lastRuns.since} />
        </>
      ) : (
        strings.never
      )}
    </Text>
  );
}
