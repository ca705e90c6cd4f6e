import { useEffect } from "react";
import { Outlet, useParams } from "react-router";
import { useMe } from "@/shared/me/me";
import { ChooseOrganization } from "@/shared/org/ChooseOrganization";
import { orgFrom } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { useSetPreferences, withRecent } from "@/shared/preferences/preferences";
import { Empty } from "@/shared/states/Empty";
import { strings } from "@/strings/shell";

/** The pages of one organization. Another organization is another tree: no state of the earlier one survives in it. */
export function OrgLayout() {
  const me = useMe();
  const { org: id = "" } = useParams();
  const setPreferences = useSetPreferences();
  const known = orgFrom(me, id) !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once per visit, whatever else is preferred meanwhile
  useEffect(() => {
    if (known && id !== "all") {
      setPreferences(({ recent }) => ({ recent: withRecent(recent, id) }));
    }
  }, [known, id]);
  if (!known) {
    return (
      <Page title={strings.orgNotFound}>
        <Empty title={strings.orgNotFoundHint} />
        <ChooseOrganization what={strings.home} rest="home" />
      </Page>
    );
  }
  return <Outlet key={id} />;
}
