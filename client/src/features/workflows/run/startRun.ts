import { api, inOrg, unwrapWithResponse } from "@/shared/api/client";

/** What to run. */
interface RunRequest {
  orgId: string;
  workflow: string;
  values: Record<string, unknown>;
  idempotencyKey: string;
  /** The run it repeats, with the input that run had. */
  again?: { id: string; input: Record<string, unknown> } | undefined;
}

/** Starts a run without waiting for its end, and answers its id. A repeated run is linked to the earlier one. */
export async function startRun({ orgId, workflow, values, idempotencyKey, again }: RunRequest): Promise<string> {
  const headers = { ...inOrg(orgId).headers, Prefer: "respond-async", "Idempotency-Key": idempotencyKey };
  const { data, response } = again
    ? await unwrapWithResponse(
        api.POST("/api/executions/{id}/rerun", {
          params: { path: { id: again.id } },
          headers,
          body: { ...emptied(again.input, values), ...values },
        }),
      )
    : await unwrapWithResponse(
        api.POST("/workflows/{name}", { params: { path: { name: workflow } }, headers, body: values }),
      );
  const named = typeof data === "object" && data !== null && "execution_id" in data ? data.execution_id : undefined;
  const id = response.headers.get("X-Execution-Id") ?? named;
  if (typeof id !== "string") {
    throw new Error("The server did not say which run it started.");
  }
  return id;
}

/** A rerun keeps what the body does not name: what has been emptied is named, as nothing. */
function emptied(before: Record<string, unknown>, values: Record<string, unknown>): Record<string, null> {
  const gone = Object.keys(before).filter((name) => !(name in values));
  return Object.fromEntries(gone.map((name) => [name, null]));
}
