import { useCallback } from "react";
import { useSearchParams } from "react-router";
import type { LogLevel } from "@/shared/live/liveEvents";

/** Parts of the page of a run. */
export const TABS = ["logs", "result", "input", "details"] as const;
/** A part of the page of a run. */
export type Tab = (typeof TABS)[number];

const LEVELS: readonly LogLevel[] = ["debug", "info", "warning", "error"];

/** What of the run is looked at, as the address says. */
export interface Address {
  tab: Tab;
  /** A step, every step, or nothing said. */
  step: number | "all" | null;
  line: number | null;
  level: LogLevel;
}

/** What the address says, and how to change it. Moving about in one run does not fill the history of the browser. */
export function useAddress(): [Address, (change: Partial<Address>) => void] {
  const [params, setParams] = useSearchParams();
  const change = useCallback(
    (change: Partial<Address>) => {
      setParams(
        (now) => {
          const next = new URLSearchParams(now);
          for (const [name, value] of Object.entries(change)) {
            if (value === null || (name === "level" && value === "debug")) {
              next.delete(name);
            } else {
              next.set(name, String(value));
            }
          }
          return next;
        },
        { replace: true, preventScrollReset: true },
      );
    },
    [setParams],
  );
  return [read(params), change];
}

function read(params: URLSearchParams): Address {
  return {
    tab: TABS.find((tab) => tab === params.get("tab")) ?? "logs",
    step: params.get("step") === "all" ? "all" : positive(params.get("step")),
    line: positive(params.get("line")),
    level: LEVELS.find((level) => level === params.get("level")) ?? "debug",
  };
}

function positive(text: string | null): number | null {
  return text !== null && /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : null;
}
