import { useState } from "react";
import { type Reconciled, reconcile } from "./reconcile";
import type { Run } from "./runsQuery";

interface Page {
  items: Run[];
  next_cursor?: string | null;
}

/**
 * Rows that change in place but never move, until the person asks for the list as it is now.
 *
 * @param question tells one list from another.
 * @param page the list as it is now; `undefined` until it has been read since the page was opened.
 */
export function useSteadyRows(question: string, page: Page | undefined): Partial<Reconciled> & { show: () => void } {
  const [shown, setShown] = useState<{ question: string; items: Run[] }>();
  const isFirstAnswer = shown?.question !== question || shown.items.length === 0;
  if (page && isFirstAnswer && shown?.items !== page.items) {
    setShown({ question, items: page.items });
  }
  const show = () => page && setShown({ question, items: page.items });
  if (!page || !shown || isFirstAnswer) {
    return { ...(page ? { rows: page.items } : {}), show };
  }
  return { ...reconcile(shown.items, page.items, Boolean(page.next_cursor)), show };
}
