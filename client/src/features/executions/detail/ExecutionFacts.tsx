import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Fragment, type ReactNode } from "react";
import { Link } from "react-router";
import { executionPath, executionsQuery } from "@/shared/executions/executions";
import { isFinal } from "@/shared/live/liveEvents";
import { useMe } from "@/shared/me/me";
import { orgFrom, orgPath, useOrg } from "@/shared/org/org";
import { formatDuration, formatInstant } from "@/shared/time/format";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { useNow } from "@/shared/time/useNow";
import { strings } from "@/strings/execution";
import classes from "./Execution.module.css";
import type { Execution } from "./execution";

/** The facts under the heading: for whom, by whom, when, how long, through what. */
export function ExecutionFacts({ execution }: { execution: Execution }) {
  const org = useOrg();
  const orgName = useOrganizationName(execution.org_id);
  return (
    <dl className={classes.facts} aria-label={strings.metaLabel}>
      <Fact name={strings.organization}>
        {execution.org_id && org.isAll ? (
          <Anchor component={Link} inherit to={executionPath(execution)}>
            {orgName}
          </Anchor>
        ) : (
          <strong>{orgName}</strong>
        )}
      </Fact>
      <Fact name={strings.startedBy}>{execution.executed_by_name}</Fact>
      <Fact name={strings.started}>
        <RelativeTime at={execution.started_at} />
      </Fact>
      <Fact name={isFinal(execution.status) ? strings.duration : strings.waited}>
        <Duration execution={execution} />
      </Fact>
      <Fact name={strings.from}>{execution.form_name ? strings.form(execution.form_name) : strings.directRun}</Fact>
      {execution.retry_of && (
        <Fact name={strings.retryOf}>
          <Anchor component={Link} inherit to={orgPath(org.id, `executions/${execution.retry_of}`)}>
            {strings.earlierRun}
          </Anchor>
        </Fact>
      )}
      <Repeats execution={execution} />
    </dl>
  );
}

/** So many repeats are linked. */
const MOST_REPEATS = 5;

/** The runs that repeat this one, newest first. */
function Repeats({ execution }: { execution: Execution }) {
  const org = useOrg();
  const { id, started_at } = execution;
  const { data } = useQuery({
    ...executionsQuery(org.id, { retry_of: id, from: started_at, limit: MOST_REPEATS }),
    // Whoever repeats a run leaves its page and comes back.
    enabled: isFinal(execution.status),
  });
  const repeats = data?.items ?? [];
  if (repeats.length === 0) {
    return null;
  }
  return (
    <Fact name={strings.repeatedBy}>
      {repeats.map((repeat, index) => (
        <Fragment key={repeat.id}>
          {index > 0 && ", "}
          <Anchor component={Link} inherit to={orgPath(org.id, `executions/${repeat.id}`)}>
            {formatInstant(new Date(repeat.started_at), new Date())}
          </Anchor>
        </Fragment>
      ))}
    </Fact>
  );
}

/** The name of the organization a run is for; its id if that is all one may know. */
export function useOrganizationName(orgId: string | null | undefined): string {
  const me = useMe();
  return orgId ? (orgFrom(me, orgId)?.name ?? orgId) : strings.noOrganization;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const SECOND_MS = 1_000;

/** How long the run took, or takes up to now. */
function Duration({ execution }: { execution: Execution }) {
  const isOver = isFinal(execution.status);
  const now = useNow(isOver ? null : SECOND_MS);
  if (typeof execution.duration_ms === "number") {
    return <span className={classes.figure}>{formatDuration(execution.duration_ms)}</span>;
  }
  const soFar = elapsedMs(execution.started_at, now);
  return (
    <span className={classes.figure}>
      {soFar < SECOND_MS * 60 ? `${Math.floor(soFar / SECOND_MS)} s` : formatDuration(soFar)}
    </span>
  );
}

/** Milliseconds since an instant; never negative, however the clocks of server and viewer differ. */
export function elapsedMs(since: string, now: Date): number {
  return Math.max(0, now.getTime() - new Date(since).getTime());
}
