import { Text } from "@mantine/core";
import type { Me } from "@/shared/me/me";
import { Copyable } from "@/shared/states/Copyable";
import { StatusBadge } from "@/shared/status/StatusBadge";
import type { Column } from "@/shared/table/columns";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { strings } from "@/strings/executions";
import { Elapsed } from "./Elapsed";
import type { Run } from "./runsQuery";

/** The columns of the list; with the organization when it spans several. */
export function runColumns(me: Me, isAll: boolean): Column<Run>[] {
  const organizations = new Map(me.organizations.map(({ id, name }) => [id, name]));
  const organization: Column<Run> = {
    id: "organization",
    title: strings.organization,
    width: 150,
    card: "line",
    render: ({ org_id }) => (org_id ? (organizations.get(org_id) ?? org_id) : strings.noOrganization),
  };
  return [
    {
      id: "status",
      title: strings.status,
      width: 124,
      card: "badge",
      render: ({ status }) => <StatusBadge status={status} />,
    },
    { id: "workflow", title: strings.workflow, width: 200, isMain: true, render: (run) => run.workflow_name },
    ...(isAll ? [organization] : []),
    { id: "user", title: strings.user, width: 140, card: "line", render: (run) => run.executed_by_name },
    {
      id: "started",
      title: strings.started,
      width: 160,
      card: "line",
      render: (run) => <RelativeTime at={run.started_at} />,
    },
    { id: "duration", title: strings.duration, width: 100, align: "right", render: (run) => <Elapsed run={run} /> },
    {
      id: "message",
      title: strings.message,
      width: 220,
      grows: true,
      card: "wide",
      render: (run) => <Message run={run} />,
    },
    { id: "form", title: strings.form, width: 160, isOptional: true, render: (run) => run.form_name ?? strings.direct },
    { id: "trigger", title: strings.trigger, width: 110, isOptional: true, render: (run) => run.trigger },
    {
      id: "id",
      title: strings.id,
      width: 350,
      isOptional: true,
      render: (run) => <Copyable value={run.id} what="run" />,
    },
  ];
}

/** Why it failed, or what it last said. */
function Message({ run }: { run: Run }) {
  const text = run.error_message ?? run.progress?.message;
  return text ? (
    <Text fz="inherit" c="dimmed" truncate title={text} component="span" display="block">
      {text}
    </Text>
  ) : null;
}
