import { Navigate } from "react-router";
import { useMe } from "@/shared/me/me";
import { ChooseOrganization } from "@/shared/org/ChooseOrganization";
import { orgFrom, orgPath } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { usePreferences } from "@/shared/preferences/preferences";
import { Empty } from "@/shared/states/Empty";
import { strings } from "@/strings/shell";

/** `/`: the home of the organization used last, or a choice on the first visit. */
export function StartPage() {
  const me = useMe();
  const { recent } = usePreferences();
  const last = recent.find((id) => orgFrom(me, id));
  const only = me.organizations.length === 1 ? me.organizations[0]?.id : undefined;
  const org = last ?? only;
  if (org) {
    return <Navigate to={orgPath(org, "home")} replace />;
  }
  return (
    <Page title={strings.welcome}>
      {me.organizations.length === 0 ? (
        <Empty title={strings.noOrganizations}>
          {me.is_administrator ? strings.noOrganizationsAdmin : strings.noOrganizationsHint}
        </Empty>
      ) : (
        <ChooseOrganization what={strings.home} rest="home" />
      )}
    </Page>
  );
}
