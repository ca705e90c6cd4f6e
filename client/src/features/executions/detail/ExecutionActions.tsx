import { ActionIcon, Button, Loader, Menu, Tooltip } from "@mantine/core";
import { IconDots, IconDownload, IconFileText, IconLink, IconRefresh, IconTicket } from "@tabler/icons-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { executionPath } from "@/shared/executions/executions";
import { isFinal } from "@/shared/live/liveEvents";
import type { LogStore } from "@/shared/live/logStore";
import { useMe } from "@/shared/me/me";
import { orgFrom, useOrg } from "@/shared/org/org";
import { useShortcut } from "@/shared/shortcuts/shortcuts";
import { copyText } from "@/shared/states/copyText";
import { runPath } from "@/shared/workflows/paths";
import { strings } from "@/strings/execution";
import { CancelDialog } from "./CancelDialog";
import { useOrganizationName } from "./ExecutionFacts";
import { type Execution, useCancelExecution } from "./execution";
import { ticketText } from "./ticket";

interface ExecutionActionsProps {
  execution: Execution;
  log: LogStore;
  onDownload: (part: "logs" | "result") => void;
}

/** What can be done with a run. */
export function ExecutionActions({ execution, log, onDownload }: ExecutionActionsProps) {
  const copyTicket = useCopyTicket(execution, log);
  const form = useRunAgainForm(execution);
  const navigate = useNavigate();
  useShortcut("r", () => void navigate(form ?? ""), form !== null);
  const hasResult = execution.result_url || (execution.result !== null && execution.result !== undefined);
  return (
    <>
      {!isFinal(execution.status) && <CancelButton execution={execution} />}
      <RunAgain execution={execution} />
      <Menu position="bottom-end" shadow="md" withinPortal={false} withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <ActionIcon variant="default" size={34} aria-label={strings.more}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconLink size={16} aria-hidden />}
            onClick={() => void copyText(window.location.href)}
          >
            {strings.copyLink}
          </Menu.Item>
          <Menu.Item leftSection={<IconTicket size={16} aria-hidden />} onClick={copyTicket}>
            {strings.copyTicket}
          </Menu.Item>
          <Menu.Item leftSection={<IconFileText size={16} aria-hidden />} onClick={() => onDownload("logs")}>
            {strings.downloadLog}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconDownload size={16} aria-hidden />}
            disabled={!hasResult}
            onClick={() => onDownload("result")}
          >
            {strings.downloadResult}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}

/** Copies the run as text for a ticket. */
export function useCopyTicket(execution: Execution, log: LogStore): () => void {
  const organization = useOrganizationName(execution.org_id);
  return () => {
    const link = new URL(executionPath(execution), window.location.origin).href;
    void copyText(ticketText(execution, organization, link, log.lines));
  };
}

/** Leads to the form, filled with the input of this run. */
export function RunAgain({ execution }: { execution: Execution }) {
  const form = useRunAgainForm(execution);
  const icon = <IconRefresh size={16} aria-hidden />;
  if (form === null) {
    return (
      <Tooltip label={strings.runAgainDenied} events={{ hover: true, focus: true, touch: true }}>
        <Button variant="default" leftSection={icon} data-disabled aria-disabled>
          {strings.runAgain}
        </Button>
      </Tooltip>
    );
  }
  return (
    <Button component={Link} to={form} variant="default" leftSection={icon}>
      {strings.runAgain}
    </Button>
  );
}

/** Where the run is started again; nowhere without the right to. */
function useRunAgainForm({ id, org_id, workflow_name }: Execution): string | null {
  const me = useMe();
  const org = useOrg();
  const where = org_id ?? "all";
  const isAllowed = (orgFrom(me, where) ?? org).permissions.execute_workflows;
  return isAllowed ? runPath(where, workflow_name, id) : null;
}

/** Cancels the run after asking; waits for the engine's answer, which the run itself shows. */
function CancelButton({ execution }: { execution: Execution }) {
  const me = useMe();
  const org = useOrg();
  const cancel = useCancelExecution(org.id, execution.id);
  const [isAsking, setAsking] = useState(false);
  const permissions = (orgFrom(me, execution.org_id ?? "all") ?? org).permissions;
  const isMine = execution.executed_by === me.user.id;
  if (!permissions.execute_workflows || !(isMine || permissions.view_history)) {
    return null;
  }
  const isOnItsWay = cancel.isPending || cancel.isSuccess;
  return (
    <>
      <Button
        color="red"
        variant="outline"
        disabled={isOnItsWay}
        leftSection={isOnItsWay && <Loader size={14} color="gray" aria-hidden />}
        onClick={() => setAsking(true)}
      >
        {isOnItsWay ? strings.cancelling : strings.cancel}
      </Button>
      <CancelDialog
        execution={execution}
        isOpen={isAsking}
        error={cancel.error}
        onClose={() => setAsking(false)}
        onCancel={() => cancel.mutate(undefined, { onSuccess: () => setAsking(false) })}
        isPending={cancel.isPending}
      />
    </>
  );
}
