import { Tabs, VisuallyHidden } from "@mantine/core";
import { useEffect, useState } from "react";
import { isFinal } from "@/shared/live/liveEvents";
import { useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { StatusBadge } from "@/shared/status/StatusBadge";
import { strings } from "@/strings/execution";
import { strings as shared } from "@/strings/shared";
import { TABS, useAddress } from "./address";
import { DetailsTab } from "./DetailsTab";
import classes from "./Execution.module.css";
import { ExecutionActions } from "./ExecutionActions";
import { ExecutionFacts } from "./ExecutionFacts";
import { type Execution, failedStep } from "./execution";
import { FailurePanel } from "./FailurePanel";
import { InputTab } from "./InputTab";
import { LogPanel } from "./log/LogPanel";
import { ProgressLine } from "./ProgressLine";
import { ResultTab } from "./ResultTab";
import { Steps } from "./Steps";
import { useDownload } from "./useDownload";
import { useLiveExecution } from "./useLiveExecution";

/** A run that is known: its facts, its failure, its progress, its steps, and what it wrote, was given and returned. */
export function ExecutionView({ execution }: { execution: Execution }) {
  const org = useOrg();
  const { log, connection } = useLiveExecution(org.id, execution.id);
  const [address, setAddress] = useAddress();
  const download = useDownload(org.id, execution.id);

  const isOver = isFinal(execution.status);
  const percent = isOver ? undefined : execution.progress?.percent;
  const title =
    typeof percent === "number" ? `${strings.percent(percent)} ${execution.workflow_name}` : titleOf(execution);
  const step = useShownStep(execution, address.step, address.line !== null);
  return (
    <Page
      title={title}
      h1={
        <span className={classes.h1}>
          {execution.workflow_name} <StatusBadge status={execution.status} size="lg" />
        </span>
      }
      description={<ExecutionFacts execution={execution} />}
      actions={<ExecutionActions execution={execution} log={log} onDownload={download} />}
    >
      <Announcer execution={execution} />
      <FailurePanel
        execution={execution}
        log={log}
        isRead={connection === "over"}
        onShowStep={(seq) => setAddress({ tab: "logs", step: seq, line: null })}
      />
      {!isOver && <ProgressLine execution={execution} />}
      <div className={classes.columns} data-steps={execution.steps.length > 0}>
        {execution.steps.length > 0 && (
          <Steps
            execution={execution}
            selected={step}
            onSelect={(seq) => setAddress({ tab: "logs", step: seq ?? "all", line: null })}
          />
        )}
        <Tabs
          value={address.tab}
          onChange={(tab) => setAddress({ tab: TABS.find((known) => known === tab) ?? "logs" })}
          keepMounted={false}
          className={classes.tabs}
        >
          <Tabs.List mb="sm">
            {TABS.map((tab) => (
              <Tabs.Tab key={tab} value={tab}>
                {strings.tabs[tab]}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value="logs">
            <LogPanel
              log={log}
              execution={execution}
              connection={connection}
              step={step}
              address={address}
              onAddress={setAddress}
              onDownload={() => download("logs")}
            />
          </Tabs.Panel>
          <Tabs.Panel value="result">
            <ResultTab execution={execution} onDownload={() => download("result")} />
          </Tabs.Panel>
          <Tabs.Panel value="input">
            <InputTab execution={execution} />
          </Tabs.Panel>
          <Tabs.Panel value="details">
            <DetailsTab execution={execution} />
          </Tabs.Panel>
        </Tabs>
      </div>
    </Page>
  );
}

/** What the tab of the browser says: runs of one workflow are told apart by how they ended. */
function titleOf({ status, workflow_name }: Execution): string {
  return `${workflow_name} (${shared.statuses[status]})`;
}

/** The step whose lines are shown: what the address says, else the one that failed in a run that is looked at later. */
function useShownStep(execution: Execution, asked: number | "all" | null, hasLine: boolean): number | null {
  const [wasOver] = useState(isFinal(execution.status));
  if (asked === "all") {
    return null;
  }
  return asked ?? (wasOver && !hasLine ? (failedStep(execution)?.seq ?? null) : null);
}

/** Percentages are said aloud in steps of so many. */
const SAID_EVERY_PERCENT = 25;

/** Says aloud how the run stands when that changes, without saying every percent. */
function Announcer({ execution }: { execution: Execution }) {
  const { status, progress } = execution;
  const percent = typeof progress?.percent === "number" ? progress.percent : null;
  const said = percent === null ? "" : `${Math.floor(percent / SAID_EVERY_PERCENT) * SAID_EVERY_PERCENT}%`;
  const text = strings.announce(shared.statuses[status], isFinal(status) ? "" : said);
  // Empty at first: how a page begins is read with the page.
  const [announced, setAnnounced] = useState({ first: text, text: "" });
  useEffect(() => {
    setAnnounced((now) => (text === now.first && now.text === "" ? now : { ...now, text }));
  }, [text]);
  return <VisuallyHidden role="status">{announced.text}</VisuallyHidden>;
}
