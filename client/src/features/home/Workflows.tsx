import { ActionIcon, Anchor, Text } from "@mantine/core";
import { IconStar, IconStarFilled } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { useMe } from "@/shared/me/me";
import { type Org, orgPath, useOrg } from "@/shared/org/org";
import { toggled, usePreferences, useSetPreferences } from "@/shared/preferences/preferences";
import { Empty } from "@/shared/states/Empty";
import { ErrorState } from "@/shared/states/ErrorState";
import { metadataQuery, type Workflow } from "@/shared/workflows/metadataQuery";
import { isOffered, runTarget, workflowPath } from "@/shared/workflows/paths";
import { pauseOf } from "@/shared/workflows/pauseOf";
import { RunButton } from "@/shared/workflows/RunButton";
import { strings } from "@/strings/home";
import classes from "./Home.module.css";
import { ownWorkflows } from "./ownWorkflows";
import { Panel } from "./Panel";
import { PanelSkeleton } from "./PanelSkeleton";
import { usedQuery } from "./runQueries";

/** The workflows with a star and those I use most, each with the button that runs it here. */
export function Workflows() {
  const org = useOrg();
  const { user } = useMe();
  const { favouriteWorkflows } = usePreferences();
  const metadata = useQuery(metadataQuery(org.id));
  const used = useQuery(usedQuery(org.id, user.id));
  // Without the counts the order is by name: nothing to wait for, but it should not change under the pointer.
  const isReady = metadata.data && !used.isPending;
  const offered = (metadata.data?.workflows ?? []).filter((workflow) => isOffered(org, workflow));
  const shown = ownWorkflows(offered, favouriteWorkflows, used.data ?? new Map());
  return (
    <Panel
      place="workflows"
      title={strings.favourites}
      more={{ label: strings.allWorkflows, to: orgPath(org.id, "workflows") }}
    >
      {isReady ? (
        shown.length > 0 ? (
          <ul className={classes.list}>
            {shown.map((workflow) => (
              <Row
                key={workflow.name}
                org={org}
                workflow={workflow}
                uses={used.data?.get(workflow.name) ?? 0}
                isFavourite={favouriteWorkflows.includes(workflow.name)}
              />
            ))}
          </ul>
        ) : (
          <Empty title={strings.noWorkflows}>{strings.noWorkflowsHint}</Empty>
        )
      ) : metadata.error ? (
        <div className={classes.failed}>
          <ErrorState title={strings.workflowsFailed} error={metadata.error} onRetry={() => void metadata.refetch()} />
        </div>
      ) : (
        <PanelSkeleton />
      )}
    </Panel>
  );
}

interface RowProps {
  org: Org;
  workflow: Workflow;
  uses: number;
  isFavourite: boolean;
}

function Row({ org, workflow, uses, isFavourite }: RowProps) {
  const { name, description } = workflow;
  const me = useMe();
  const setPreferences = useSetPreferences();
  const Star = isFavourite ? IconStarFilled : IconStar;
  return (
    <li className={classes.workflow}>
      <ActionIcon
        variant="subtle"
        color={isFavourite ? "orange" : "gray"}
        className={classes.star}
        data-starred={isFavourite || undefined}
        onClick={() => setPreferences((now) => ({ favouriteWorkflows: toggled(now.favouriteWorkflows, name) }))}
        aria-pressed={isFavourite}
        aria-label={strings.star(name)}
      >
        <Star size={17} aria-hidden />
      </ActionIcon>
      <div className={classes.workflowText}>
        <Anchor component={Link} to={workflowPath(org.id, name)} fw={600} c="var(--mantine-color-text)">
          {name}
        </Anchor>
        <Text size="sm" c="dimmed" lineClamp={2}>
          {description || (uses > 0 && strings.usedTimes(uses))}
        </Text>
      </div>
      <RunButton
        target={runTarget(org, workflow, pauseOf(me, org.id, name))}
        size="xs"
        variant="light"
        aria-label={org.isAll ? `${strings.run} ${name}` : strings.runFor(name, org.name)}
      >
        {strings.run}
      </RunButton>
    </li>
  );
}
