import { isBranch, type Json, type JsonObject } from "./json";

/** Rows that are looked at to find the columns. */
const SAMPLE = 1_000;
/** More columns are no table any more. */
const MAX_COLUMNS = 30;

/** An array of flat objects, which reads better as a table. */
export interface FlatTable {
  columns: string[];
  rows: JsonObject[];
}

/** The value as a table, if it is an array of objects without parts of their own; else nothing. */
export function flatTable(value: Json): FlatTable | null {
  if (!Array.isArray(value) || value.length === 0) {
    return null;
  }
  const columns = new Set<string>();
  const rows: JsonObject[] = [];
  for (const [index, row] of value.entries()) {
    if (!isBranch(row) || Array.isArray(row)) {
      return null;
    }
    rows.push(row);
    if (index >= SAMPLE) {
      continue;
    }
    for (const [name, cell] of Object.entries(row)) {
      if (isBranch(cell)) {
        return null;
      }
      columns.add(name);
    }
    if (columns.size > MAX_COLUMNS) {
      return null;
    }
  }
  return columns.size === 0 ? null : { columns: [...columns], rows };
}
