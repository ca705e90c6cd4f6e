import { Anchor, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { executionPath, executionsQuery } from "@/shared/executions/executions";
import { useMe } from "@/shared/me/me";
import { type Org, orgFrom } from "@/shared/org/org";
import { ErrorState } from "@/shared/states/ErrorState";
import { StatusBadge } from "@/shared/status/StatusBadge";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { strings } from "@/strings/workflows";

/** How many runs the page of a workflow shows; the list of executions has all of them. */
const shownRuns = 8;

/** The newest runs of a workflow. */
export function RecentRuns({ org, workflow }: { org: Org; workflow: string }) {
  const me = useMe();
  const query = useQuery(executionsQuery(org.id, { workflow, limit: shownRuns }));
  if (query.isPending) {
    return <Skeleton height={120} />;
  }
  if (query.error && !query.data) {
    return <ErrorState title={strings.runsFailed} error={query.error} onRetry={() => void query.refetch()} />;
  }
  const runs = query.data?.items ?? [];
  if (runs.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {strings.noRuns}
      </Text>
    );
  }
  return (
    <Stack gap={6} component="ul" p={0} m={0} style={{ listStyle: "none" }} aria-label={strings.recentRuns}>
      {runs.map((run) => (
        <Group key={run.id} component="li" gap="sm" wrap="wrap">
          <StatusBadge status={run.status} />
          <Anchor component={Link} to={executionPath(run)} size="sm">
            {strings.runBy(run.executed_by_name)}
          </Anchor>
          <Text size="sm" c="dimmed" component="span">
            <RelativeTime at={run.started_at} />
            {org.isAll && run.org_id ? ` · ${orgFrom(me, run.org_id)?.name ?? run.org_id}` : null}
          </Text>
        </Group>
      ))}
    </Stack>
  );
}
