import { Text } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { orgPath, useOrg } from "@/shared/org/org";
import { Empty } from "@/shared/states/Empty";
import { ErrorState } from "@/shared/states/ErrorState";
import { strings } from "@/strings/home";
import classes from "./Home.module.css";
import { Panel } from "./Panel";
import { PanelSkeleton } from "./PanelSkeleton";
import { RunList } from "./RunList";
import { FAILED, failuresQuery } from "./runQueries";

/** What failed lately: everybody's with the right to view history, else one's own. */
export function Failures() {
  const org = useOrg();
  const { data, error, refetch } = useQuery(failuresQuery(org.id));
  return (
    <Panel
      place="failures"
      title={strings.failures}
      more={{
        label: strings.allFailures,
        to: `${orgPath(org.id, "executions")}?${new URLSearchParams({ status: FAILED })}`,
      }}
    >
      {data ? (
        data.length > 0 ? (
          <RunList runs={data} withOrganization={org.isAll} withPerson />
        ) : (
          <Empty icon={IconCircleCheck} title={strings.noFailures} />
        )
      ) : error ? (
        <div className={classes.failed}>
          <ErrorState title={strings.failuresFailed} error={error} onRetry={() => void refetch()} />
        </div>
      ) : (
        <PanelSkeleton />
      )}
      {!org.permissions.view_history && (
        <Text size="xs" c="dimmed" px="md" pb="sm">
          {strings.ofMine}
        </Text>
      )}
    </Panel>
  );
}
