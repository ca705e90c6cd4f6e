import { Anchor, Progress, Text } from "@mantine/core";
import { Link } from "react-router";
import { type ExecutionSummary, executionPath } from "@/shared/executions/executions";
import { useMe } from "@/shared/me/me";
import { StatusBadge } from "@/shared/status/StatusBadge";
import { formatDuration } from "@/shared/time/format";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { strings } from "@/strings/home";
import classes from "./Home.module.css";

interface RunListProps {
  runs: ExecutionSummary[];
  /** Names the organization of each. */
  withOrganization: boolean;
  /** Names who started each. */
  withPerson?: boolean;
}

/** Runs, one line each: where it stands, what it is, what it says, when. */
export function RunList({ runs, withOrganization, withPerson = false }: RunListProps) {
  return (
    <ul className={classes.list}>
      {runs.map((run) => (
        <Run key={run.id} run={run} withOrganization={withOrganization} withPerson={withPerson} />
      ))}
    </ul>
  );
}

function Run({ run, withOrganization, withPerson }: { run: ExecutionSummary } & Required<Omit<RunListProps, "runs">>) {
  const { organizations } = useMe();
  const organization = organizations.find(({ id }) => id === run.org_id)?.name ?? strings.noOrganization;
  const facts = [withOrganization && organization, withPerson && run.executed_by_name].filter(Boolean).join(", ");
  const says = run.error_message ?? (run.completed_at ? undefined : run.progress?.message);
  const percent = run.completed_at ? undefined : run.progress?.percent;
  return (
    <li className={classes.run}>
      <span className={classes.status}>
        <StatusBadge status={run.status} />
      </span>
      <div className={classes.what}>
        <Anchor component={Link} to={executionPath(run)} fw={600} c="var(--mantine-color-text)">
          {run.form_name ?? run.workflow_name}
        </Anchor>
        {facts && (
          <Text size="sm" c="dimmed" span>
            {facts}
          </Text>
        )}
        {says && (
          <Text size="sm" c="dimmed" lineClamp={2} className={classes.says}>
            {says}
          </Text>
        )}
        {typeof percent === "number" && (
          <Progress value={percent} size="sm" mt={4} className={classes.says} aria-label={run.workflow_name} />
        )}
      </div>
      <Text size="sm" c="dimmed" component="div" className={classes.when}>
        <RelativeTime at={run.started_at} />
        {typeof run.duration_ms === "number" && <div className="tabular">{formatDuration(run.duration_ms)}</div>}
      </Text>
    </li>
  );
}
