import "mantine-datatable/styles.css";
import { DataTable as MantineDataTable } from "mantine-datatable";
import { type MouseEvent, useState } from "react";
import { useNavigate } from "react-router";
import type { TablePreferences } from "@/shared/preferences/preferences";
import { strings } from "@/strings/table";
import { ColumnHead } from "./ColumnHead";
import { type Column, shownColumns, widthOf } from "./columns";
import classes from "./DataTable.module.css";
import { MainCell } from "./MainCell";
import { type RowAction, RowMenu } from "./RowMenu";

/** What a table knows about its rows, however they are drawn. */
export interface RowFacts<Row> {
  /** What is listed, for those who hear it: "Runs". */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowId: (row: Row) => string;
  /** Where the row leads. Without it, a row is only read. */
  rowLink?: ((row: Row) => string) | undefined;
  rowActions?: ((row: Row) => RowAction[]) | undefined;
  /** The name of the menu button: "Actions for run e27f". */
  rowActionsLabel?: ((row: Row) => string) | undefined;
}

interface GridProps<Row> extends RowFacts<Row> {
  saved: TablePreferences;
  onSaved: (saved: TablePreferences) => void;
}

/** Pixels of the column with the menu of each row. */
const actionsWidth = 52;

/** Rows as a table. */
export function Grid<Row>({ saved, onSaved, ...facts }: GridProps<Row>) {
  const { rows, rowId, rowLink, rowActions, rowActionsLabel } = facts;
  const navigate = useNavigate();
  const [dragged, setDragged] = useState<{ id: string; width: number }>();
  const columns = shownColumns(facts.columns, saved);

  const shownWidth = (column: Column<Row>) => (dragged?.id === column.id ? dragged.width : widthOf(column, saved));
  const isResized = (id: string) => dragged?.id === id || saved.widths?.[id] !== undefined;
  const tableWidth = columns.reduce((sum, column) => sum + shownWidth(column), rowActions ? actionsWidth : 0);

  const resize = (id: string, width: number, isFinal: boolean) => {
    setDragged(isFinal ? undefined : { id, width });
    if (isFinal) {
      onSaved({ ...saved, widths: { ...saved.widths, [id]: width } });
    }
  };

  return (
    <MantineDataTable
      aria-label={facts.label}
      records={rows}
      idAccessor={rowId}
      className={classes.grid}
      styles={{ table: { tableLayout: "fixed", minWidth: tableWidth } }}
      withTableBorder
      borderRadius="sm"
      verticalSpacing={4}
      horizontalSpacing="sm"
      fz="sm"
      highlightOnHover={Boolean(rowLink)}
      maxHeight="max(20rem, calc(100dvh - 14rem))"
      pinLastColumn={Boolean(rowActions)}
      onRowClick={rowLink ? ({ record, event }) => isOnRow(event) && navigate(rowLink(record)) : undefined}
      columns={[
        ...columns.map((column) => {
          const width = shownWidth(column);
          return {
            accessor: column.id,
            title: (
              <ColumnHead
                title={column.title}
                width={width}
                onResize={(next, isFinal) => resize(column.id, next, isFinal)}
              />
            ),
            titleClassName: classes.head,
            // A width of its own would keep the column from growing.
            ...(column.grows && !isResized(column.id) ? {} : { width }),
            ellipsis: true as const,
            ...(column.align ? { textAlign: column.align, cellsClassName: classes.figures } : {}),
            render: (row: Row) => <MainCell column={column} row={row} link={rowLink} />,
          };
        }),
        ...(rowActions
          ? [
              {
                accessor: "actions",
                title: <span className={classes.unseen}>{strings.actions}</span>,
                width: actionsWidth,
                textAlign: "right" as const,
                render: (row: Row) => (
                  <RowMenu label={rowActionsLabel?.(row) ?? strings.actions} actions={rowActions(row)} />
                ),
              },
            ]
          : []),
      ]}
    />
  );
}

/** Whether a click meant the row: not something in it, not a pop-over that belongs to it, not the end of marking text. */
function isOnRow(event: MouseEvent): boolean {
  const target = event.target;
  if (!(target instanceof Element) || !event.currentTarget.contains(target)) {
    return false;
  }
  if (target.closest("a, button, input, label, [role=menu]")) {
    return false;
  }
  return (window.getSelection()?.toString() ?? "") === "";
}
