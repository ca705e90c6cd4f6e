import { Button, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { executionPath } from "@/shared/executions/executions";
import { useMe } from "@/shared/me/me";
import { orgPath, useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { Denied } from "@/shared/states/Denied";
import { Empty } from "@/shared/states/Empty";
import { DataTable } from "@/shared/table/DataTable";
import { useTableState } from "@/shared/table/useTableState";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { strings } from "@/strings/executions";
import { NewRuns } from "./NewRuns";
import { runColumns } from "./runColumns";
import { runFilters, runsQuery } from "./runsQuery";
import { shortId } from "./shortId";
import { useRunActions } from "./useRunActions";
import { useRunFilters } from "./useRunFilters";
import { useSteadyRows } from "./useSteadyRows";

/** What ran, for one organization or all of them. */
export default function ExecutionsPage() {
  const { permissions } = useOrg();
  const mayLook = permissions.view_history || permissions.execute_workflows;
  return (
    <Page title={strings.title} description={permissions.view_history ? undefined : mayLook && strings.ownOnly}>
      {mayLook ? <Executions /> : <Denied right="view_history" />}
    </Page>
  );
}

function Executions() {
  const me = useMe();
  const org = useOrg();
  const state = useTableState("executions", runFilters);
  const { filters, cursor, size } = state.url;
  const options = runsQuery(org.id, { filters, cursor, size });
  const query = useQuery(options);
  const isCurrent = query.isFetchedAfterMount && !query.isPlaceholderData;
  const steady = useSteadyRows(JSON.stringify(options.queryKey), isCurrent ? query.data : undefined);
  const rows = steady.rows ?? query.data?.items;

  return (
    <DataTable
      state={state}
      source={query}
      label={strings.listed}
      columns={runColumns(me, org.isAll)}
      rows={rows}
      rowId={(run) => run.id}
      rowLink={executionPath}
      rowActions={useRunActions(state.url)}
      rowActionsLabel={(run) => strings.actionsFor(shortId(run.id))}
      filters={useRunFilters(org, rows ?? [], filters)}
      nextCursor={query.data ? (query.data.next_cursor ?? null) : undefined}
      note={searchedTo(query.data?.searched_to, filters)}
      errorTitle={strings.failed}
      banner={<NewRuns count={steady.newRuns ?? 0} hasChanged={steady.hasChanged ?? false} onShow={steady.show} />}
      empty={{
        nothingMatches: strings.nothingMatches,
        nothingYet: (
          <Empty title={org.permissions.view_history ? strings.nothingYet : strings.nothingOwnYet}>
            <Text size="sm" mb="xs">
              {strings.nothingYetHint(org.name)}
            </Text>
            {org.permissions.execute_workflows ? (
              <Button size="xs" variant="light" component={Link} to={orgPath(org.id, "workflows")}>
                {strings.seeWorkflows}
              </Button>
            ) : null}
          </Empty>
        ),
      }}
    />
  );
}

/** How far back a filter has looked. Without one, there is nothing to say. */
function searchedTo(instant: string | null | undefined, filters: Record<string, string>) {
  return instant && Object.keys(filters).length > 0 ? (
    <>
      {strings.searchedTo} <RelativeTime at={instant} />
    </>
  ) : undefined;
}
