import { Anchor, Table } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { orgPath, useOrg } from "@/shared/org/org";
import { Copyable } from "@/shared/states/Copyable";
import { formatDuration, formatExact } from "@/shared/time/format";
import { workflowPath } from "@/shared/workflows/paths";
import { strings } from "@/strings/execution";
import type { Execution } from "./execution";

const names = strings.details;

/** Everything else that is on record about the run. */
export function DetailsTab({ execution }: { execution: Execution }) {
  const org = useOrg();
  const rows: [string, ReactNode][] = [
    [names.id, <Copyable key="id" value={execution.id} what="run" />],
    [
      names.workflow,
      <Anchor key="workflow" component={Link} inherit to={workflowPath(org.id, execution.workflow_name)}>
        {execution.workflow_name}
      </Anchor>,
    ],
    [names.trigger, strings.triggers[execution.trigger] ?? execution.trigger],
    [names.form, execution.form_name ?? names.none],
    [names.startedAt, instant(execution.started_at)],
    [names.completedAt, instant(execution.completed_at)],
    [names.deadlineAt, instant(execution.deadline_at)],
    [names.timeout, formatDuration(execution.timeout_seconds * 1_000)],
    [names.errorType, execution.error_type ?? names.none],
    [names.logLines, execution.logs_through.toLocaleString("en")],
    [names.epoch, execution.epoch],
    [names.bundle, <Copyable key="bundle" value={execution.bundle_hash} what="bundle" />],
    [
      names.retryOf,
      execution.retry_of ? (
        <Anchor key="retry" component={Link} inherit to={orgPath(org.id, `executions/${execution.retry_of}`)}>
          {execution.retry_of}
        </Anchor>
      ) : (
        names.none
      ),
    ],
  ];
  return (
    <Table variant="vertical" layout="auto" fz="sm" withTableBorder>
      <Table.Tbody>
        {rows.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" w="12rem">
              {name}
            </Table.Th>
            <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function instant(at: string | null | undefined): string {
  return at ? formatExact(new Date(at)) : names.none;
}
