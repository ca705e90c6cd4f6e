import { useMemo, useSyncExternalStore } from "react";
import type { LogStore } from "@/shared/live/logStore";
import { type LogFilter, LogView } from "@/shared/live/logView";

/** The lines that pass a filter, as far as the store has told of them; `count` are told of in all. */
export function useLogView(store: LogStore, filter: LogFilter): { view: LogView; count: number } {
  const count = useSyncExternalStore(store.subscribe, store.count);
  const { level, step, stepFailed, search } = filter;
  const view = useMemo(
    () => ({ store, made: new LogView({ level, step, stepFailed, search }) }),
    [store, level, step, stepFailed, search],
  );
  // Reads on where it stopped, so doing it twice does it once.
  view.made.extend(store.lines, count);
  return { view: view.made, count };
}
