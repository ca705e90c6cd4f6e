import { Alert, Anchor, Button, Group, Stack, Title } from "@mantine/core";
import { IconPlayerPause, IconRouteOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";
import { useMe } from "@/shared/me/me";
import { orgPath, useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { Denied } from "@/shared/states/Denied";
import { Empty } from "@/shared/states/Empty";
import { ErrorState } from "@/shared/states/ErrorState";
import { RowsSkeleton } from "@/shared/states/Skeletons";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { metadataQuery, type Workflow } from "@/shared/workflows/metadataQuery";
import { runTarget } from "@/shared/workflows/paths";
import { pauseOf } from "@/shared/workflows/pauseOf";
import { RunButton } from "@/shared/workflows/RunButton";
import { strings } from "@/strings/workflows";
import { Facts } from "./Facts";
import { Parameters } from "./Parameters";
import { RecentRuns } from "./RecentRuns";

/** One workflow: what it does, what it asks for, what became of its runs, and the way to run it. */
export default function WorkflowPage() {
  const org = useOrg();
  const { name = "" } = useParams();
  const mayLook = org.permissions.execute_workflows || org.permissions.manage_forms;
  const query = useQuery({ ...metadataQuery(org.id), enabled: mayLook });
  const workflow = query.data?.workflows.find((one) => one.name === name);

  const frame = (children: ReactNode) => <Page title={name}>{children}</Page>;
  if (!mayLook) {
    return frame(<Denied right="execute_workflows" />);
  }
  if (query.error && !query.data) {
    return frame(<ErrorState title={strings.failed} error={query.error} onRetry={() => void query.refetch()} />);
  }
  if (!query.data) {
    return frame(<RowsSkeleton />);
  }
  if (!workflow) {
    return frame(
      <Empty title={strings.notFound(name)} icon={IconRouteOff}>
        <p>{strings.notFoundHint}</p>
        <Button size="xs" variant="light" component={Link} to={orgPath(org.id, "workflows")}>
          {strings.backToList}
        </Button>
      </Empty>,
    );
  }
  return <Shown workflow={workflow} />;
}

function Shown({ workflow }: { workflow: Workflow }) {
  const me = useMe();
  const org = useOrg();
  const pause = pauseOf(me, org.id, workflow.name);
  const maySeeRuns = org.permissions.execute_workflows || org.permissions.view_history;
  return (
    <Page
      title={workflow.name}
      description={workflow.description || strings.noDescription}
      actions={<RunButton target={runTarget(org, workflow, pause)} />}
    >
      {pause ? (
        <Alert color="orange" icon={<IconPlayerPause aria-hidden />} title={strings.pausedAlert}>
          {strings.pausedAlertBy(pause.paused_by_name)} <RelativeTime at={pause.paused_at} />: {pause.reason}
        </Alert>
      ) : null}
      <Facts workflow={workflow} />
      <Section title={strings.parameters}>
        <Parameters parameters={workflow.parameters} />
      </Section>
      {maySeeRuns ? (
        <Section
          title={org.permissions.view_history ? strings.recentRuns : strings.yourRecentRuns}
          aside={
            <Anchor
              size="sm"
              component={Link}
              to={orgPath(org.id, `executions?workflow=${encodeURIComponent(workflow.name)}`)}
            >
              {strings.allRuns}
            </Anchor>
          }
        >
          <RecentRuns org={org} workflow={workflow.name} />
        </Section>
      ) : null}
    </Page>
  );
}

function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Group justify="space-between">
        <Title order={2}>{title}</Title>
        {aside}
      </Group>
      {children}
    </Stack>
  );
}
