import type { Me, Pause } from "@/shared/me/me";

/** What stops new runs of a workflow for an organization: an emergency stop of everything, of the one or of the other. */
export function pauseOf(me: Me, orgId: string, workflow: string): Pause | undefined {
  return me.pauses.find(
    (pause) => (!pause.org_id && !pause.workflow) || pause.org_id === orgId || pause.workflow === workflow,
  );
}
