import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, inOrg, unwrap } from "@/shared/api/client";
import type { LiveNews } from "@/shared/live/liveEvents";
import type { components } from "@/types/api";

/** A run, whole. */
export type Execution = components["schemas"]["ExecutionView"];

/** A run, looked for in one organization or in all of them. What its stream tells is written into it as well. */
export function executionQuery(orgId: string, id: string) {
  return queryOptions({
    queryKey: ["orgs", orgId, "executions", "one", id],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/executions/{id}", { params: { path: { id } }, ...inOrg(orgId), signal })),
  });
}

/** Cancels a run. Follow it to see how it ends. */
export function useCancelExecution(orgId: string, id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: () => unwrap(api.POST("/api/executions/{id}/cancel", { params: { path: { id } }, ...inOrg(orgId) })),
    // Also when it was refused: then the run has mostly ended by itself.
    onSettled: () => queryClient.invalidateQueries({ queryKey: executionQuery(orgId, id).queryKey }),
  });
}

/** The run with what its stream told. */
export function withNews(execution: Execution, news: LiveNews): Execution {
  const steps = news.steps.length === 0 ? execution.steps : withSteps(execution.steps, news.steps);
  return {
    ...execution,
    steps,
    status: news.status ?? execution.status,
    progress: news.progress ?? execution.progress,
  };
}

function withSteps(known: Execution["steps"], news: Execution["steps"]): Execution["steps"] {
  const steps = new Map([...known, ...news].map((step) => [step.seq, step]));
  return [...steps.values()].sort((a, b) => a.seq - b.seq);
}

/** The step that says why the run ended as it did: the last one that ended likewise, if the run did not end well. */
export function failedStep(execution: Execution): Execution["steps"][number] | undefined {
  const { status, steps } = execution;
  return status === "Failed" || status === "TimedOut" || status === "Interrupted"
    ? steps.findLast((step) => step.status === status)
    : undefined;
}
