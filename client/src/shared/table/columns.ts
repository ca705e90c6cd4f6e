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

/** The columns on show, as the person left them. The main one always is: its link leads on. */
export function shownColumns<Row>(columns: Column<Row>[], { columns: ids }: TablePreferences): Column<Row>[] {
  if (!ids) {
    return columns.filter(({ isOptional }) => !isOptional);
  }
  const shown = ids.flatMap((id) => columns.find((column) => column.id === id) ?? []);
  return [...columns.filter((column) => column.isMain && !shown.includes(column)), ...shown];
}

/** Every column: those on show in their order, then the others. */
export function allColumns<Row>(columns: Column<Row>[], saved: TablePreferences): Column<Row>[] {
  const shown = shownColumns(columns, saved);
  return [...shown, ...columns.filter((column) => !shown.includes(column))];
}

/** The width of the column in pixels. */
export function widthOf<Row>(column: Column<Row>, saved: TablePreferences): number {
  return withinLimits(saved.widths?.[column.id] ?? column.width);
}

/** The nearest width a column may have. */
export function withinLimits(width: number): number {
  return Math.round(Math.min(columnWidths.max, Math.max(columnWidths.min, width)));
}

/** The ids of columns after one of them went a place up (-1) or down (1). */
export function moved(ids: string[], id: string, by: -1 | 1): string[] {
  const from = ids.indexOf(id);
  const to = from + by;
  if (from < 0 || to < 0 || to >= ids.length) {
    return ids;
  }
  return ids.toSpliced(from, 1).toSpliced(to, 0, id);
}
