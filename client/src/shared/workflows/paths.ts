import type { Pause } from "@/shared/me/me";
import { type Org, orgPath } from "@/shared/org/org";
import { strings } from "@/strings/workflows";
import type { Workflow } from "./metadataQuery";

/** The page of a workflow. */
export function workflowPath(orgId: string, name: string): string {
  return orgPath(orgId, `workflows/${encodeURIComponent(name)}`);
}

/** A way to the form that runs a workflow, or the reason why there is none now. */
export interface RunTarget {
  /** Names the organization, where one is acted on. */
  label: string;
  to: string;
  disabledReason: string | undefined;
}

/** Where a workflow is run for an organization. */
export function runTarget(org: Org, workflow: Workflow, pause: Pause | undefined): RunTarget {
  return {
    label: org.isAll ? strings.run : strings.runFor(org.name),
    to: `${workflowPath(org.id, workflow.name)}/run`,
    disabledReason: whyNot(org, pause),
  };
}

function whyNot(org: Org, pause: Pause | undefined): string | undefined {
  if (!org.permissions.execute_workflows) {
    return strings.cannotRun;
  }
  if (!org.isActive) {
    return strings.inactive(org.name);
  }
  return pause && strings.pausedReason(pause.paused_by_name, pause.reason);
}
