import { useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { strings } from "@/strings/home";

/** The start page of an organization. */
export default function HomePage() {
  const org = useOrg();
  return (
    <Page title={strings.title} h1={org.name}>
      {null}
    </Page>
  );
}
