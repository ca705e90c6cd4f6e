import { type TablePreferences, usePreferences, useSetPreferences } from "@/shared/preferences/preferences";
import { type TableUrl, useTableUrl } from "./useTableUrl";

/** What a table keeps: in the URL for whoever follows the link, and for the person wherever they are. */
export interface TableState {
  url: TableUrl;
  saved: TablePreferences;
  save: (changed: TablePreferences) => void;
}

/**
 * The state of a table.
 *
 * @param name what the person's choices are kept under, the same in every organization.
 * @param filterIds the parameters of the URL that are filters.
 */
export function useTableState(name: string, filterIds: readonly string[]): TableState {
  const saved = usePreferences().tables[name] ?? {};
  const setPreferences = useSetPreferences();
  const url = useTableUrl(filterIds, saved.page_size);
  const save = (changed: TablePreferences) =>
    setPreferences(({ tables }) => ({ tables: { ...tables, [name]: changed } }));
  return { url, saved, save };
}
