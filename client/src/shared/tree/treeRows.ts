import { isBranch, type Json, sizeOf } from "./json";
import type { JsonPath } from "./jsonPath";

/** A line of a tree. */
export interface TreeRow {
  /** Tells rows apart; stays the same while others open and close. */
  key: string;
  path: JsonPath;
  /** The name or position within its parent; nothing for the root. */
  name: string | number | undefined;
  value: Json;
  /** 1 for the root. */
  level: number;
  /** Its place among its siblings, from 1, and how many they are. */
  position: number;
  siblings: number;
  /** Whether its parts are shown; `undefined` when it has none. */
  isOpen: boolean | undefined;
}

/** Values with at most so many parts are open at first, and so are those among at most so many. */
const OPEN_UP_TO = 30;
/** Values deeper than this are closed at first. */
const OPEN_LEVELS = 3;

/** The key of the row at this path. */
export function rowKey(path: JsonPath): string {
  return JSON.stringify(path);
}

/** Whether a value is open before anybody opened or closed it. */
function opensByItself(value: Json, level: number, siblings: number): boolean {
  const isSmall = (parts: number) => parts <= OPEN_UP_TO;
  return isBranch(value) && (level === 1 || (level < OPEN_LEVELS && isSmall(siblings) && isSmall(sizeOf(value))));
}

/**
 * The rows to show. Only what is open is looked into: a closed part costs nothing, whatever its size.
 *
 * @param toggled rows that somebody opened or closed, by key
 */
export function treeRows(root: Json, toggled: ReadonlyMap<string, boolean>): TreeRow[] {
  const rows: TreeRow[] = [];
  const add = (value: Json, path: JsonPath, position: number, siblings: number) => {
    const key = rowKey(path);
    const level = path.length + 1;
    const isParent = isBranch(value) && sizeOf(value) > 0;
    const isOpen = isParent ? (toggled.get(key) ?? opensByItself(value, level, siblings)) : undefined;
    rows.push({ key, path, name: path.at(-1), value, level, position, siblings, isOpen });
    if (!isOpen || !isBranch(value)) {
      return;
    }
    const parts: [string | number, Json][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
    for (const [index, [part, inner]] of parts.entries()) {
      add(inner, [...path, part], index + 1, parts.length);
    }
  };
  add(root, [], 1, 1);
  return rows;
}

/** Where the parent of a row stands. */
export function parentIndex(rows: readonly TreeRow[], index: number): number {
  const level = rows[index]?.level ?? 1;
  for (let before = index - 1; before >= 0; before--) {
    if ((rows[before]?.level ?? level) < level) {
      return before;
    }
  }
  return index;
}
