import { useCallback, useEffect, useRef, useState } from "react";

const holders = new Set<symbol>();

/** Whether any form holds input that leaving would lose. Read at the moment of leaving. */
export function hasUnsavedInput(): boolean {
  return holders.size > 0;
}

/**
 * Asks before the person leaves this page, switches the organization or closes the tab while `dirty`.
 *
 * @returns `release`, to call just before navigating away on purpose (the form was sent).
 */
export function useUnsavedInput(dirty: boolean): () => void {
  const [holder] = useState(() => Symbol("unsaved input"));
  const released = useRef(false);
  useEffect(() => {
    released.current = false;
    if (!dirty) {
      return undefined;
    }
    holders.add(holder);
    const ask = (event: BeforeUnloadEvent) => {
      if (!released.current) {
        event.preventDefault();
      }
    };
    window.addEventListener("beforeunload", ask);
    return () => {
      window.removeEventListener("beforeunload", ask);
      holders.delete(holder);
    };
  }, [dirty, holder]);
  return useCallback(() => {
    released.current = true;
    holders.delete(holder);
  }, [holder]);
}
