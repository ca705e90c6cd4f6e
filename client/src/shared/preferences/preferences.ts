import { useSyncExternalStore } from "react";
import { useMe } from "@/shared/me/me";

/** What a person chose for themselves. */
export interface Preferences {
  /** Organizations with a star, by id, in the order they were starred. */
  favourites: string[];
  /** Workflows with a star, by name. */
  favouriteWorkflows: string[];
  /** Organizations used last, by id, newest first. */
  recent: string[];
  /** Whether single keys (`g h`, `/`, `j`) do something. */
  shortcuts: boolean;
  /** Whether the sidebar shows icons only. */
  sidebarCollapsed: boolean;
  /** How each table was left, by its name. */
  tables: Record<string, TablePreferences>;
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

const DEFAULTS: Preferences = {
  favourites: [],
  favouriteWorkflows: [],
  recent: [],
  shortcuts: true,
  sidebarCollapsed: false,
  tables: {},
};
const RECENT = 5;

const listeners = new Set<() => void>();
let cached: { key: string; text: string | null; value: Preferences } | undefined;

/** The preferences of whoever is signed in. */
export function usePreferences(): Preferences {
  const { user } = useMe();
  return useSyncExternalStore(subscribe, () => read(user.id));
}

/** Changes the preferences of whoever is signed in. */
export function useSetPreferences(): (change: (now: Preferences) => Partial<Preferences>) => void {
  const { user } = useMe();
  return (change) => {
    const now = read(user.id);
    localStorage.setItem(keyOf(user.id), JSON.stringify({ ...now, ...change(now) }));
    for (const listener of listeners) {
      listener();
    }
  };
}

/** The organizations used last, with one more in front. */
export function withRecent(recent: string[], orgId: string): string[] {
  return [orgId, ...recent.filter((id) => id !== orgId)].slice(0, RECENT);
}

/** A list with the item added, or without it if it was there. */
export function toggled(list: string[], item: string): string[] {
  return list.includes(item) ? list.filter((other) => other !== item) : [...list, item];
}

function keyOf(userId: string): string {
  return `msp.preferences.${userId}`;
}

function read(userId: string): Preferences {
  const key = keyOf(userId);
  const text = localStorage.getItem(key);
  if (cached?.key !== key || cached.text !== text) {
    cached = { key, text, value: { ...DEFAULTS, ...parse(text) } };
  }
  return cached.value;
}

function parse(text: string | null): Partial<Preferences> {
  try {
    return text === null ? {} : JSON.parse(text);
  } catch {
    return {};
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  // Other tabs of the same person.
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}
