import { useQuery } from "@tanstack/react-query";
import { useMe } from "@/shared/me/me";
import type { Org } from "@/shared/org/org";
import type { FilterChoice, TableFilter } from "@/shared/table/filters";
import { metadataQuery } from "@/shared/workflows/metadataQuery";
import { strings } from "@/strings/executions";
import { strings as shared } from "@/strings/shared";
import { type Run, statuses } from "./runsQuery";

/** The filters of the list. Their choices are what the server offers and what the rows on show hold. */
export function useRunFilters(org: Org, rows: Run[], set: Record<string, string>): TableFilter[] {
  const me = useMe();
  const mayReadWorkflows = org.permissions.execute_workflows || org.permissions.manage_forms;
  const { data: metadata } = useQuery({ ...metadataQuery(org.id), enabled: mayReadWorkflows });

  const workflows = new Set([
    ...(metadata?.workflows ?? []).map(({ name }) => name),
    ...rows.map((run) => run.workflow_name),
  ]);
  const people = new Map(rows.map((run) => [run.executed_by, run.executed_by_name]));
  if (set.user && !people.has(set.user)) {
    people.set(set.user, strings.someUser(set.user));
  }
  people.delete(me.user.id);

  const choices = (values: Iterable<FilterChoice>) => [...values].sort((a, b) => a.label.localeCompare(b.label));
  return [
    { kind: "search", id: "q", label: strings.search },
    {
      kind: "choice",
      id: "status",
      label: strings.status,
      choices: statuses.map((status) => ({ value: status, label: shared.statuses[status] })),
    },
    {
      kind: "choice",
      id: "workflow",
      label: strings.workflow,
      choices: choices([...workflows].map((name) => ({ value: name, label: name }))),
    },
    {
      kind: "choice",
      id: "user",
      label: strings.user,
      choices: [
        { value: me.user.id, label: strings.me },
        ...choices([...people].map(([value, label]) => ({ value, label }))),
      ],
    },
    { kind: "days", fromId: "from", toId: "to", label: strings.started },
  ];
}
