import { useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { Empty } from "@/shared/states/Empty";
import { strings } from "@/strings/home";
import { Failures } from "./Failures";
import classes from "./Home.module.css";
import { MyRuns } from "./MyRuns";
import { Workflows } from "./Workflows";

/** The start page of an organization: what I run, what I can run, and what went wrong. */
export default function HomePage() {
  const org = useOrg();
  const { execute_workflows: runs, view_history: reads } = org.permissions;
  return (
    <Page title={strings.title} h1={org.name}>
      {runs || reads ? (
        <div className={classes.columns}>
          {runs && <MyRuns />}
          {runs && <Workflows />}
          <Failures />
        </div>
      ) : (
        <Empty title={strings.nothingToDo}>{strings.nothingToDoHint}</Empty>
      )}
    </Page>
  );
}
