/** Copy of `shared/tree`. */
export const strings = {
  view: "View",
  tree: "Tree",
  table: "Table",
  raw: "Raw",
  copyPath: "Copy path",
  copyValue: "Copy value",
  copied: "Copied",
  pathOf: "Selected value",
  items: (count: number) => (count === 1 ? "1 item" : `${count.toLocaleString("en")} items`),
  members: (count: number) => (count === 1 ? "1 member" : `${count.toLocaleString("en")} members`),
  emptyArray: "[ ] empty list",
  emptyObject: "{ } empty object",
  masked: "Hidden",
  maskedHint: "A secret or a password stood here. History keeps no copy of it, so nobody can show it.",
  rawCut: (shown: string) => `Only the first ${shown} are shown. Copy or download the value to have all of it.`,
  rowsOf: (from: number, to: number, count: number) =>
    `Rows ${from.toLocaleString("en")} to ${to.toLocaleString("en")} of ${count.toLocaleString("en")}`,
  rows: (count: number) => (count === 1 ? "1 row" : `${count.toLocaleString("en")} rows`),
  page: "Page of rows",
  yes: "yes",
  no: "no",
} as const;
