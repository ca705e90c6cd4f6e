import { type RefObject, useEffect } from "react";
import { usePreferences } from "@/shared/preferences/preferences";

/**
 * `j` and `k` move between the rows of a table, and Enter opens the one in focus, because the focus is on its link.
 * `/` goes to the search field.
 */
export function useRowKeys(container: RefObject<HTMLElement | null>, search: RefObject<HTMLInputElement | null>): void {
  const { shortcuts } = usePreferences();
  useEffect(() => {
    if (!shortcuts) {
      return undefined;
    }
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTaken(event.target)) {
        return;
      }
      if (event.key === "/" && search.current) {
        event.preventDefault();
        search.current.focus();
        search.current.select();
      } else if (event.key === "j" || event.key === "k") {
        moveBetweenRows(container.current, event.key === "j" ? 1 : -1);
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [container, search, shortcuts]);
}

/** Whether keys belong to what is in focus: somebody types, or a dialog or menu is open. */
function isTaken(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest("input, textarea, select, [role=dialog], [role=menu]") !== null)
  );
}

function moveBetweenRows(container: HTMLElement | null, by: 1 | -1): void {
  const links = [...(container?.querySelectorAll<HTMLElement>("[data-row-link]") ?? [])];
  const row = document.activeElement?.closest("tr, li");
  const current = links.findIndex((link) => row?.contains(link));
  const next = current < 0 ? (by > 0 ? 0 : links.length - 1) : current + by;
  links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
}
