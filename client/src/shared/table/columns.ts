import type { ReactNode } from "react";
import type { TablePreferences } from "@/shared/preferences/preferences";

/** A column of a `DataTable`. */
export interface Column<Row> {
  /** Stable: what a person saved refers to it. */
  id: string;
  title: string;
  render: (row: Row) => ReactNode;
  /** Pixels, until the person drags the edge. */
  width: number;
  align?: "right";
  /** Takes the room that others leave, until the person gives it a width. */
  grows?: boolean;
  /** The column with the row's link. It cannot be hidden. */
  isMain?: boolean;
  /** Shown only once it is chosen. */
  isOptional?: boolean;
  /** Its place on the card of a narrow screen, which shows little: beside the title, below it, or across the card. */
  card?: "badge" | "line" | "wide";
}

/** Narrowest and widest a column may be dragged, in pixels: a name of a few letters, half a laptop's screen. */
export const columnWidths = { min: 64, max: 640 } as const;

/** The columns in the order of the person; those unknown to the saved order stay behind the one they follow in code. */
export function inOrder<Row>(columns: Column<Row>[], saved: TablePreferences): Column<Row>[] {
  const known = (saved.order ?? []).flatMap((id) => columns.find((column) => column.id === id) ?? []);
  const arranged = [...known];
  columns.forEach((column, index) => {
    if (known.includes(column)) {
      return;
    }
    const before = columns[index - 1];
    arranged.splice(before ? arranged.indexOf(before) + 1 : 0, 0, column);
  });
  return arranged;
}

/** Whether the column is on show. */
export function isVisible<Row>(column: Column<Row>, saved: TablePreferences): boolean {
  return column.isMain === true || (saved.visible?.[column.id] ?? !column.isOptional);
}

/** The width of the column in pixels. */
export function widthOf<Row>(column: Column<Row>, saved: TablePreferences): number {
  return withinLimits(saved.widths?.[column.id] ?? column.width);
}

/** The nearest width a column may have. */
export function withinLimits(width: number): number {
  return Math.round(Math.min(columnWidths.max, Math.max(columnWidths.min, width)));
}

/** The order after a column went one place to the left (-1) or right (1). */
export function moved<Row>(ordered: Column<Row>[], id: string, by: -1 | 1): string[] {
  const ids = ordered.map((column) => column.id);
  const from = ids.indexOf(id);
  const to = from + by;
  if (from < 0 || to < 0 || to >= ids.length) {
    return ids;
  }
  ids.splice(to, 0, ...ids.splice(from, 1));
  return ids;
}
