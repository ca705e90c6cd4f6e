import { useMe } from "@/shared/me/me";
import { changeSettings, useSettings } from "./store";

/** What a person chose for themselves. The server keeps it; this browser has a copy, so that it applies on first paint. */
export interface Preferences {
  /** Organizations with a star, by id, in the order they were starred. */
  favourites: string[];
  /** Workflows with a star, by name. */
  favouriteWorkflows: string[];
  /** Organizations used last, by id, newest first. */
  recent: string[];
  theme: "light" | "dark" | "system";
  /** Whether single keys (`g h`, `/`, `j`) do something. */
  shortcuts: boolean;
  /** How each table was left, by its name. */
  tables: Record<string, TablePreferences>;
  /** Whether the sidebar shows icons only. Only in this browser: it depends on the screen. */
  sidebarCollapsed: boolean;
}

/** How a person left a table, in every organization. What is absent is as the client has it. */
export interface TablePreferences {
  /** The columns that are shown, by id, first to last. */
  columns?: string[];
  /** Widths in pixels. */
  widths?: Record<string, number>;
  /** Rows per page. */
  page_size?: number;
}

/** What changes, given how it is now. May be applied again to what another tab chose meanwhile. */
export type Change = (now: Preferences) => Partial<Preferences>;

const RECENT = 5;

/** The preferences of whoever is signed in. */
export function usePreferences(): Preferences {
  return useSettings(useMe().user.id);
}

/** Changes the preferences of whoever is signed in. */
export function useSetPreferences(): (change: Change) => void {
  const { user } = useMe();
  return (change) => changeSettings(user.id, change);
}

/** The organizations used last, with one more in front. */
export function withRecent(recent: string[], orgId: string): string[] {
  return [orgId, ...recent.filter((id) => id !== orgId)].slice(0, RECENT);
}

/** A list with the item added, or without it if it was there. */
export function toggled(list: string[], item: string): string[] {
  return list.includes(item) ? list.filter((other) => other !== item) : [...list, item];
}
