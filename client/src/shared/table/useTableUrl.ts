import { useCallback, useMemo } from "react";
import { useLocation, useSearchParams } from "react-router";

/** Page sizes on offer: more rows than 100 make scrolling slow. */
export const pageSizes = [25, 50, 100] as const;

const defaultSize = 50;

/** The state of a table that stands in the URL. */
export interface TableUrl {
  /** Filters that are set, by id. */
  filters: Record<string, string>;
  /** Sets filters, or removes those that are empty, and goes back to the newest page. `replace` keeps it out of the history. */
  setFilters: (values: Record<string, string | null>, options?: { replace?: boolean }) => void;
  clearFilters: () => void;
  cursor: string | undefined;
  size: number;
  setSize: (size: number) => void;
  isFirstPage: boolean;
  /** Goes to the page that begins at the cursor. */
  older: (cursor: string) => void;
  /** Goes to the page before: the one this page was reached from, or the first if this page was opened by a link. */
  newer: () => void;
  newest: () => void;
}

/**
 * Filters, page and page size of a table, kept in the URL.
 *
 * Cursors only lead to older rows, so the way here is kept in the history entry, which survives a reload.
 */
export function useTableUrl(filterIds: readonly string[], savedSize: number | undefined): TableUrl {
  const [params, setParams] = useSearchParams();
  const location = useLocation();
  const trail = trailOf(location.state);
  const cursor = params.get("cursor") ?? undefined;
  const idsKey = filterIds.join(" ");

  const filters = useMemo(() => {
    const ids = idsKey.split(" ").filter(Boolean);
    return Object.fromEntries(ids.flatMap((id) => (params.get(id) ? [[id, params.get(id) ?? ""]] : [])));
  }, [params, idsKey]);

  const setFilters = useCallback<TableUrl["setFilters"]>(
    (values, options) => {
      setParams(
        (current) => {
          const next = new URLSearchParams(current);
          for (const [id, value] of Object.entries(values)) {
            if (value) {
              next.set(id, value);
            } else {
              next.delete(id);
            }
          }
          next.delete("cursor");
          return next;
        },
        { replace: options?.replace ?? false },
      );
    },
    [setParams],
  );

  const goTo = (next: string | undefined, nextTrail: string[]) => {
    const changed = new URLSearchParams(params);
    if (next) {
      changed.set("cursor", next);
    } else {
      changed.delete("cursor");
    }
    setParams(changed, { state: { trail: nextTrail } });
  };

  return {
    filters,
    setFilters,
    clearFilters: () => setFilters(Object.fromEntries(filterIds.map((id) => [id, null]))),
    cursor,
    size: sizeOf(params.get("size")) ?? sizeOf(savedSize) ?? defaultSize,
    setSize: (size) => setFilters({ size: String(size) }),
    isFirstPage: cursor === undefined,
    older: (next) => goTo(next, cursor === undefined ? [] : [...trail, cursor]),
    newer: () => goTo(trail.at(-1), trail.slice(0, -1)),
    newest: () => goTo(undefined, []),
  };
}

function sizeOf(value: string | number | null | undefined): number | undefined {
  return pageSizes.find((size) => size === Number(value));
}

/** The cursors of the pages between the first and this one, oldest step first. */
function trailOf(state: unknown): string[] {
  if (typeof state !== "object" || state === null || !("trail" in state) || !Array.isArray(state.trail)) {
    return [];
  }
  return state.trail.filter((cursor): cursor is string => typeof cursor === "string");
}
