/** Copy of every table. */
export const strings = {
  actions: "Actions",
  clearFilters: "Clear filters",
  clearSearch: "Clear search",
  columns: "Columns",
  columnWidth: (title: string) => `Width of the column ${title}`,
  days: (from: string | undefined, to: string | undefined) => {
    if (from && to) {
      return from === to ? from : `${from} to ${to}`;
    }
    return from ? `from ${from}` : to && `until ${to}`;
  },
  filterButton: (count: number) => (count > 0 ? `Filters (${count})` : "Filters"),
  filters: "Filters",
  firstDay: "First day",
  lastDay: "Last day",
  moveDown: (title: string) => `Move ${title} down`,
  moveUp: (title: string) => `Move ${title} up`,
  newer: "Newer",
  newest: "Back to the newest",
  noChoice: "Nothing matches",
  noMoreHere: "There is nothing more on this page",
  nothingSoFar: "Nothing found so far",
  older: "Older",
  pages: "Pages",
  pageSize: "Rows per page",
  perPage: (size: number) => `${size} per page`,
  removeFilter: (label: string) => `Remove the filter ${label}`,
  resetColumns: "Reset columns",
  rows: (count: number) => (count === 1 ? "1 row" : `${count} rows`),
  searchFurther: "Look further back",
  searchChoices: (label: string) => `Search ${label.toLowerCase()}`,
} as const;
