import { useEffect, useRef } from "react";

/** How long the second key of `g h` may take. */
const SEQUENCE_MS = 1_500;

type Handler = (event: KeyboardEvent) => void;

/** For each key or sequence, who wants it; the part of the page that came last has it. */
const handlers = new Map<string, Handler[]>();

/**
 * Does something for a key (`r`, `?`) or a sequence (`g h`) while nobody types and no dialog is open. Single keys can be
 * switched off in the account; the shell listens for all of them.
 */
export function useShortcut(keys: string, handler: Handler, enabled = true): void {
  const latest = useRef(handler);
  useEffect(() => {
    latest.current = handler;
  });
  useEffect(() => {
    if (!enabled) {
      return undefined;
    }
    const mine: Handler = (event) => latest.current(event);
    handlers.set(keys, [...(handlers.get(keys) ?? []), mine]);
    return () => {
      handlers.set(
        keys,
        (handlers.get(keys) ?? []).filter((other) => other !== mine),
      );
    };
  }, [keys, enabled]);
}

/** Listens for the keys of the whole page. Once, in the shell. */
export function useShortcutListener(enabled: boolean): void {
  useEffect(() => {
    if (!enabled) {
      return undefined;
    }
    let first = "";
    let firstAt = 0;
    const listen = (event: KeyboardEvent) => {
      if (isTakenOtherwise(event)) {
        first = "";
        return;
      }
      const inSequence = first !== "" && event.timeStamp - firstAt < SEQUENCE_MS;
      const keys = inSequence ? `${first} ${event.key}` : event.key;
      first = "";
      const handler = handlers.get(keys)?.at(-1);
      if (handler) {
        event.preventDefault();
        handler(event);
      } else if (!inSequence && beginsSequence(event.key)) {
        first = event.key;
        firstAt = event.timeStamp;
      }
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [enabled]);
}

function beginsSequence(key: string): boolean {
  return [...handlers].some(([keys, wanting]) => keys.startsWith(`${key} `) && wanting.length > 0);
}

/** Whether the key belongs to a control, a dialog or the browser. */
function isTakenOtherwise(event: KeyboardEvent): boolean {
  return (
    event.defaultPrevented ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.isComposing ||
    !(event.target instanceof Element) ||
    event.target.closest(
      "input, textarea, select, [contenteditable='true'], [role='textbox'], [role='listbox'], [role='menu']",
    ) !== null ||
    document.querySelector("[aria-modal='true']") !== null
  );
}
