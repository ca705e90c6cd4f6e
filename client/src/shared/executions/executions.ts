import { queryOptions } from "@tanstack/react-query";
import { api, inOrg, unwrap } from "@/shared/api/client";
import type { components, operations } from "@/types/api";

/** An execution in a list. */
export type ExecutionSummary = components["schemas"]["ExecutionSummary"];
/** Where an execution stands. */
export type ExecutionStatus = components["schemas"]["ExecutionStatus"];
/** What a list of executions is narrowed to. */
type ExecutionFilter = Omit<NonNullable<operations["listExecutions"]["parameters"]["query"]>, "org_id">;

/** A page of the executions of one organization, or of all the caller may see. Newest first. */
export function executionsQuery(orgId: string, filter: ExecutionFilter = {}) {
  return queryOptions({
    queryKey: ["orgs", orgId, "executions", filter],
    queryFn: ({ signal }) => unwrap(api.GET("/api/executions", { params: { query: filter }, ...inOrg(orgId), signal })),
  });
}

/** Where an execution is shown. Runs without an organization are shown under all of them. */
export function executionPath(execution: { id: string; org_id?: string | null }): string {
  return `/o/${execution.org_id ?? "all"}/executions/${execution.id}`;
}
