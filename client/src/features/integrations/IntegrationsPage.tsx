import { Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ChooseOrganization } from "@/shared/org/ChooseOrganization";
import { type Org, orgPath, useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { Denied } from "@/shared/states/Denied";
import { Empty } from "@/shared/states/Empty";
import type { Column } from "@/shared/table/columns";
import { DataTable } from "@/shared/table/DataTable";
import { useTableState } from "@/shared/table/useTableState";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { strings } from "@/strings/integrations";
import { type Integration, type IntegrationType, integrationsQuery, integrationTypesQuery } from "./integrationsApi";
import { StateBadge, stateOf } from "./StateBadge";

/** The services workflows of an organization can call. */
export default function IntegrationsPage() {
  const org = useOrg();
  const mayLook = org.permissions.manage_config;
  return (
    <Page title={strings.title}>
      {!mayLook ? <Denied right="manage_config" /> : null}
      {mayLook && org.isAll ? <ChooseOrganization what={strings.title} rest="integrations" /> : null}
      {mayLook && !org.isAll ? <Integrations org={org} /> : null}
    </Page>
  );
}

interface Row {
  type: IntegrationType;
  integration: Integration | undefined;
}

const columns: Column<Row>[] = [
  { id: "name", title: strings.name, width: 200, isMain: true, render: ({ type }) => type.title },
  {
    id: "state",
    title: strings.state,
    width: 180,
    card: "badge",
    render: ({ integration }) => <StateBadge state={stateOf(integration)} />,
  },
  {
    id: "purpose",
    title: strings.purpose,
    width: 260,
    grows: true,
    card: "wide",
    render: ({ type }) => <span title={type.description}>{type.description}</span>,
  },
  {
    id: "last-check",
    title: strings.lastCheck,
    width: 240,
    card: "line",
    render: ({ integration }) => <LastCheck integration={integration} />,
  },
];

function Integrations({ org }: { org: Org }) {
  const state = useTableState("integrations", []);
  const types = useQuery(integrationTypesQuery);
  const stored = useQuery(integrationsQuery(org.id));
  const rows =
    stored.data &&
    types.data?.items.map((type) => ({
      type,
      integration: stored.data.items.find((one) => one.type === type.type),
    }));
  const path = ({ type }: Row) => orgPath(org.id, `integrations/${encodeURIComponent(type.type)}`);
  return (
    <DataTable
      state={state}
      source={types.error ? types : stored}
      label={strings.title}
      columns={columns}
      rows={rows}
      rowId={({ type }) => type.type}
      rowLink={path}
      rowActions={(row) => [{ label: row.integration ? strings.settings : strings.setUp(org.name), to: path(row) }]}
      rowActionsLabel={({ type }) => strings.actionsFor(type.title)}
      errorTitle={strings.failed}
      empty={{ nothingMatches: strings.nothingMatches, nothingYet: <Empty title={strings.nothingYet} /> }}
    />
  );
}

function LastCheck({ integration }: { integration: Integration | undefined }) {
  if (!integration) {
    return null;
  }
  const check = integration.last_check;
  return (
    <Group gap={6} wrap="nowrap">
      <Text fz="inherit" c={check?.ok === false ? "var(--mantine-color-error)" : undefined} title={check?.message}>
        {check ? (check.ok ? strings.works : strings.fails) : strings.notChecked}
      </Text>
      {check ? <RelativeTime at={check.checked_at} /> : null}
    </Group>
  );
}
