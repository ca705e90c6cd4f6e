import { Anchor } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link, useLocation } from "react-router";
import { api, unwrap } from "@/shared/api/client";
import { type ExecutionSummary, executionPath, executionsQuery } from "@/shared/executions/executions";
import { useMe } from "@/shared/me/me";
import { strings as common } from "@/strings/shared";
import { strings } from "@/strings/shell";

const LOOK_EVERY_MS = 5_000;

/** Says on every other page that a run of one's own has ended. */
export function useRunWatcher(): void {
  const { user } = useMe();
  const { pathname } = useLocation();
  const { data } = useQuery({
    ...executionsQuery("all", { status: "Running", user: user.id, limit: 50 }),
    refetchInterval: LOOK_EVERY_MS,
  });
  const running = useRef<Map<string, ExecutionSummary>>(new Map());
  const here = useRef(pathname);
  here.current = pathname;
  useEffect(() => {
    if (!data) {
      return;
    }
    const now = new Map(data.items.map((execution) => [execution.id, execution]));
    for (const [id, execution] of running.current) {
      if (!now.has(id)) {
        void announce(execution, here.current);
      }
    }
    running.current = now;
  }, [data]);
}

async function announce({ id }: ExecutionSummary, pathname: string): Promise<void> {
  if (pathname.endsWith(`/executions/${id}`)) {
    return;
  }
  const ended = await unwrap(api.GET("/api/executions/{id}", { params: { path: { id } } })).catch(() => undefined);
  if (!ended || ended.status === "Running" || ended.status === "Pending") {
    return;
  }
  const worked = ended.status === "Success";
  notifications.show({
    id,
    title: strings.runEnded(ended.workflow_name, common.statuses[ended.status]),
    message: (
      <Anchor component={Link} to={executionPath(ended)} onClick={() => notifications.hide(id)} size="sm">
        {strings.showRun}
      </Anchor>
    ),
    color: worked ? "green" : "red",
    autoClose: worked ? 5_000 : false,
    closeButtonProps: { "aria-label": common.closeNotification },
  });
}
