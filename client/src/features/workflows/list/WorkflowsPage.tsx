import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMe } from "@/shared/me/me";
import { orgPath, useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { Denied } from "@/shared/states/Denied";
import { Empty } from "@/shared/states/Empty";
import { DataTable } from "@/shared/table/DataTable";
import type { TableFilter } from "@/shared/table/filters";
import { useTableState } from "@/shared/table/useTableState";
import { metadataQuery, type Workflow } from "@/shared/workflows/metadataQuery";
import { isOffered, runTarget, workflowPath } from "@/shared/workflows/paths";
import { pauseOf } from "@/shared/workflows/pauseOf";
import { strings } from "@/strings/workflows";
import { BrokenFiles } from "./BrokenFiles";
import { lastRunsQuery } from "./lastRuns";
import { workflowColumns } from "./workflowColumns";

/** The workflows that can be run, and the files that could not be loaded. */
export default function WorkflowsPage() {
  const { permissions } = useOrg();
  const mayLook = permissions.execute_workflows || permissions.manage_forms;
  return <Page title={strings.title}>{mayLook ? <Workflows /> : <Denied right="execute_workflows" />}</Page>;
}

function Workflows() {
  const me = useMe();
  const org = useOrg();
  const state = useTableState("workflows", ["q", "category"]);
  const query = useQuery(metadataQuery(org.id));
  const maySeeRuns = org.permissions.execute_workflows || org.permissions.view_history;
  const { data: lastRuns } = useQuery({ ...lastRunsQuery(org.id), enabled: maySeeRuns });
  const workflows = query.data?.workflows.filter((workflow) => isOffered(org, workflow));
  const pause = (workflow: Workflow) => pauseOf(me, org.id, workflow.name);

  return (
    <>
      {query.data ? <BrokenFiles errors={query.data.errors} warnings={query.data.warnings ?? []} /> : null}
      <DataTable
        state={state}
        source={query}
        label={strings.title}
        columns={workflowColumns({
          lastRuns,
          isEverybody: org.permissions.view_history,
          isPaused: (workflow) => pause(workflow) !== undefined,
        })}
        rows={workflows?.filter((workflow) => matches(workflow, state.url.filters))}
        rowId={({ name }) => name}
        rowLink={({ name }) => workflowPath(org.id, name)}
        rowActions={(workflow) => [
          runTarget(org, workflow, pause(workflow)),
          { label: strings.details, to: workflowPath(org.id, workflow.name) },
          { label: strings.showRuns, to: orgPath(org.id, `executions?workflow=${encodeURIComponent(workflow.name)}`) },
        ]}
        rowActionsLabel={({ name }) => strings.actionsFor(name)}
        filters={filtersFor(workflows ?? [])}
        errorTitle={strings.failed}
        empty={{
          nothingMatches: strings.nothingMatches,
          nothingYet: (
            <Empty title={strings.nothingYet}>
              <Text size="sm">{strings.nothingYetHint}</Text>
            </Empty>
          ),
        }}
      />
    </>
  );
}

function filtersFor(workflows: Workflow[]): TableFilter[] {
  const categories = [
    ...new Set(workflows.map(({ category }) => category).filter((name) => name !== undefined)),
  ].sort();
  return [
    { kind: "search", id: "q", label: strings.search },
    {
      kind: "choice",
      id: "category",
      label: strings.category,
      choices: categories.map((name) => ({ value: name, label: name })),
    },
  ];
}

/** Whether every word of the search is in what the workflow says about itself. */
function matches(workflow: Workflow, { q = "", category }: Record<string, string>): boolean {
  const text = `${workflow.name} ${workflow.description ?? ""} ${workflow.category ?? ""}`.toLowerCase();
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => text.includes(word)) && (!category || workflow.category === category);
}
