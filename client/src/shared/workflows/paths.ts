import type { Pause } from "@/shared/me/me";
import { type Org, orgPath } from "@/shared/org/org";
import { strings } from "@/strings/workflows";
import type { Workflow } from "./metadataQuery";

/** The page of a workflow. */
export function workflowPath(orgId: string, name: string): string {
  return orgPath(orgId, `workflows/${encodeURIComponent(name)}`);
}

/** The form that runs a workflow, filled with the input of an earlier run where there is one. */
export function runPath(orgId: string, name: string, from?: string): string {
  return orgPath(orgId, runRest(name) + (from === undefined ? "" : `?from=${from}`));
}

/** What follows the organization in {@link runPath}, for who still has to choose one. */
export function runRest(name: string): string {
  return `workflows/${encodeURIComponent(name)}/run`;
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
    to: runPath(org.id, workflow.name),
    disabledReason: whyNot(org, workflow, pause),
  };
}

/** Whether a workflow is offered there: not when the right to run is limited to other categories. */
export function isOffered(org: Org, { category }: Workflow): boolean {
  return org.permissions.manage_forms || isInReach(org, category);
}

function isInReach({ categories }: Org, category = ""): boolean {
  return categories === undefined || categories.includes(category);
}

function whyNot(org: Org, { category }: Workflow, pause: Pause | undefined): string | undefined {
  if (!org.permissions.execute_workflows) {
    return strings.cannotRun;
  }
  if (!isInReach(org, category)) {
    return strings.otherCategories;
  }
  if (!org.isActive) {
    return strings.inactive(org.name);
  }
  return pause && strings.pausedReason(pause.paused_by_name, pause.reason);
}
