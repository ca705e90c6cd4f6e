import { SegmentedControl, Tabs } from "@mantine/core";
import { useSearchParams } from "react-router";
import { useMe } from "@/shared/me/me";
import { ChooseOrganization } from "@/shared/org/ChooseOrganization";
import { useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { Denied } from "@/shared/states/Denied";
import { strings } from "@/strings/config";
import { ConfigValues } from "./ConfigValues";
import { Secrets } from "./Secrets";
import { useConfigScope } from "./scope";

/** Config values and secrets of an organization, and for administrators those that all of them share. */
export default function ConfigPage() {
  const { permissions } = useOrg();
  const scope = useConfigScope();
  if (!permissions.manage_config) {
    return (
      <Page title={strings.title}>
        <Denied right="manage_config" />
      </Page>
    );
  }
  return (
    <Page
      title={strings.title}
      description={scope && !scope.orgId ? strings.globalHint : undefined}
      actions={<ScopeSwitch />}
    >
      {scope ? <ConfigTabs key={scope.orgId} /> : <ChooseOrganization what={strings.title} rest="config" />}
    </Page>
  );
}

function ConfigTabs() {
  const scope = useConfigScope();
  const [params, setParams] = useSearchParams();
  const tab = params.get("tab") === "secrets" ? "secrets" : "values";
  // Filters and open dialogs belong to the tab that is left.
  const goTo = (next: string | null) =>
    setParams({
      ...(next === "secrets" ? { tab: next } : {}),
      ...(params.get("scope") ? { scope: params.get("scope") ?? "" } : {}),
    });
  return scope ? (
    <Tabs value={tab} onChange={goTo} keepMounted={false}>
      <Tabs.List mb="md">
        <Tabs.Tab value="values">{strings.tabs.values}</Tabs.Tab>
        <Tabs.Tab value="secrets">{strings.tabs.secrets}</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="values">
        <ConfigValues scope={scope} />
      </Tabs.Panel>
      <Tabs.Panel value="secrets">
        <Secrets scope={scope} />
      </Tabs.Panel>
    </Tabs>
  ) : null;
}

/** Lets administrators go between the values of the organization and the global ones. */
function ScopeSwitch() {
  const org = useOrg();
  const { is_administrator } = useMe();
  const [params, setParams] = useSearchParams();
  if (!is_administrator || org.isAll) {
    return null;
  }
  return (
    <SegmentedControl
      size="xs"
      aria-label={strings.scope}
      data={[
        { value: "org", label: org.name },
        { value: "global", label: strings.global },
      ]}
      value={params.get("scope") === "global" ? "global" : "org"}
      onChange={(scope) =>
        setParams({
          ...(params.get("tab") ? { tab: params.get("tab") ?? "" } : {}),
          ...(scope === "global" ? { scope } : {}),
        })
      }
    />
  );
}
