import { IconCopy, IconEye, IconFilter, IconRepeat } from "@tabler/icons-react";
import { executionPath } from "@/shared/executions/executions";
import { useMe } from "@/shared/me/me";
import { orgFrom } from "@/shared/org/org";
import { copyText } from "@/shared/states/copyText";
import type { RowAction } from "@/shared/table/RowMenu";
import type { TableUrl } from "@/shared/table/useTableUrl";
import { runPath } from "@/shared/workflows/paths";
import { strings } from "@/strings/executions";
import type { Run } from "./runsQuery";

/** What can be done with a run from the list. */
export function useRunActions(url: TableUrl): (run: Run) => RowAction[] {
  const me = useMe();
  return (run) => {
    const orgId = run.org_id ?? "all";
    const mayRun = orgFrom(me, orgId)?.permissions.execute_workflows ?? false;
    return [
      { label: strings.open, icon: <IconEye size={14} aria-hidden />, to: executionPath(run) },
      {
        label: strings.runAgain,
        icon: <IconRepeat size={14} aria-hidden />,
        to: runPath(orgId, run.workflow_name, run.id),
        disabledReason: mayRun ? undefined : strings.runAgainDenied,
      },
      {
        label: strings.copyId,
        icon: <IconCopy size={14} aria-hidden />,
        onSelect: () => void copyText(run.id),
      },
      {
        label: strings.onlyWorkflow(run.workflow_name),
        icon: <IconFilter size={14} aria-hidden />,
        onSelect: () => url.setFilters({ workflow: run.workflow_name }),
      },
      {
        label: strings.onlyUser(run.executed_by_name),
        icon: <IconFilter size={14} aria-hidden />,
        onSelect: () => url.setFilters({ user: run.executed_by }),
      },
    ];
  };
}
