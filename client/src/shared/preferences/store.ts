import { useSyncExternalStore } from "react";
import type { Change, Preferences } from "./preferences";
import { DEFAULTS } from "./wire";

const listeners = new Set<() => void>();
const changes = new Set<(userId: string, change: Change) => void>();
let cached: { key: string; text: string | null; value: Preferences } | undefined;

/** This browser's copy of somebody's preferences, renewed when it changes in any tab. */
export function useSettings(userId: string): Preferences {
  return useSyncExternalStore(subscribe, () => readSettings(userId));
}

/** Changes the copy at once, and tells whoever brings changes to the server. */
export function changeSettings(userId: string, change: Change): void {
  const now = readSettings(userId);
  writeSettings(userId, { ...now, ...change(now) });
  for (const listener of changes) {
    listener(userId, change);
  }
}

/** Calls back for each change made in this tab. */
export function onChange(listener: (userId: string, change: Change) => void): () => void {
  changes.add(listener);
  return () => changes.delete(listener);
}

/** This browser's copy as it is. */
export function readSettings(userId: string): Preferences {
  const key = keyOf(userId);
  const text = localStorage.getItem(key);
  if (cached?.key !== key || cached.text !== text) {
    cached = { key, text, value: { ...DEFAULTS, ...parse(text) } };
  }
  return cached.value;
}

/** Replaces this browser's copy. */
export function writeSettings(userId: string, value: Preferences): void {
  localStorage.setItem(keyOf(userId), JSON.stringify(value));
  for (const listener of listeners) {
    listener();
  }
}

function keyOf(userId: string): string {
  return `msp.preferences.${userId}`;
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
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}
