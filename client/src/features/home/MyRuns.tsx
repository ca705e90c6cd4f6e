import { useQuery } from "@tanstack/react-query";
import { useMe } from "@/shared/me/me";
import { orgPath, useOrg } from "@/shared/org/org";
import { Empty } from "@/shared/states/Empty";
import { ErrorState } from "@/shared/states/ErrorState";
import { strings } from "@/strings/home";
import classes from "./Home.module.css";
import { Panel } from "./Panel";
import { PanelSkeleton } from "./PanelSkeleton";
import { RunList } from "./RunList";
import { myRunsQuery } from "./runQueries";

/** What I am running, and what I ran last. */
export function MyRuns() {
  const org = useOrg();
  const { user } = useMe();
  const { data, error, refetch } = useQuery(myRunsQuery(org.id, user.id));
  return (
    <Panel
      place="runs"
      title={strings.myRuns}
      more={{ label: strings.allMyRuns, to: `${orgPath(org.id, "executions")}?user=${user.id}` }}
    >
      {data ? (
        data.length > 0 ? (
          <RunList runs={data} withOrganization={org.isAll} />
        ) : (
          <Empty title={strings.noRuns}>{strings.noRunsHint}</Empty>
        )
      ) : error ? (
        <div className={classes.failed}>
          <ErrorState title={strings.myRunsFailed} error={error} onRetry={() => void refetch()} />
        </div>
      ) : (
        <PanelSkeleton />
      )}
    </Panel>
  );
}
