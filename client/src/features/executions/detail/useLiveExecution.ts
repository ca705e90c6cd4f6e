import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { inOrg, watchedFetch } from "@/shared/api/client";
import { connection } from "@/shared/api/connection";
import type { Connection } from "@/shared/live/contact";
import { follow, type LiveSource } from "@/shared/live/follow";
import { LogStore } from "@/shared/live/logStore";
import { executionQuery, withNews } from "./execution";

/** Lines of a page, where there is no stream. */
const PAGE_LINES = 1_000;

/**
 * Follows a run: its lines into the store that is answered, its status, progress and steps into the query of the run.
 * When it has ended, or is refused, the run is read again: what stands on record counts.
 */
export function useLiveExecution(orgId: string, id: string): { log: LogStore; connection: Connection } {
  const queryClient = useQueryClient();
  const [log, setLog] = useState(() => new LogStore());
  const [state, setState] = useState<Connection>("connecting");
  useEffect(() => {
    const { queryKey } = executionQuery(orgId, id);
    const reread = () => void queryClient.invalidateQueries({ queryKey, exact: true });
    const lines = new LogStore();
    setLog(lines);
    setState("connecting");
    return follow(
      logSource(orgId, id),
      {
        onNews: (news) => {
          lines.append(news.lines);
          if (news.status || news.progress || news.steps.length > 0) {
            queryClient.setQueryData(queryKey, (known) => known && withNews(known, news));
          }
        },
        onConnection: setState,
        onPolled: reread,
        onEnd: () => {
          lines.flush();
          reread();
        },
        onRefused: reread,
      },
      0,
    );
  }, [orgId, id, queryClient]);
  return { log, connection: state };
}

function logSource(orgId: string, id: string): LiveSource {
  const ask = (query: string, accept: string, signal: AbortSignal, headers?: Record<string, string>) =>
    watchedFetch(
      new Request(`${window.location.origin}/api/executions/${encodeURIComponent(id)}/logs${query}`, {
        headers: { ...inOrg(orgId).headers, ...headers, Accept: accept },
        credentials: "same-origin",
        cache: "no-store",
        signal,
      }),
    );
  return {
    stream: (after, signal) =>
      ask("", "text/event-stream", signal, after > 0 ? { "Last-Event-ID": String(after) } : undefined),
    onRecovery: connection.onRecovery,
    page: (after, signal) => ask(`?after=${after}&limit=${PAGE_LINES}`, "application/json", signal),
  };
}
