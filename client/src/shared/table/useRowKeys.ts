import type { RefObject } from "react";
import { useShortcut } from "@/shared/shortcuts/shortcuts";

/** `j` and `k` move between the rows of a table, and Enter opens the one in focus, because the focus is on its link. */
export function useRowKeys(container: RefObject<HTMLElement | null>): void {
  useShortcut("j", () => moveBetweenRows(container.current, 1));
  useShortcut("k", () => moveBetweenRows(container.current, -1));
}

function moveBetweenRows(container: HTMLElement | null, by: 1 | -1): void {
  const links = [...(container?.querySelectorAll<HTMLElement>("[data-row-link]") ?? [])];
  const row = document.activeElement?.closest("tr, li");
  const current = links.findIndex((link) => row?.contains(link));
  const next = current < 0 ? (by > 0 ? 0 : links.length - 1) : current + by;
  links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
}
