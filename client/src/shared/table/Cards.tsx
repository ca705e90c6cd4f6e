import { Group, Paper, Stack, VisuallyHidden } from "@mantine/core";
import type { TablePreferences } from "@/shared/preferences/preferences";
import { strings } from "@/strings/table";
import { shownColumns } from "./columns";
import classes from "./DataTable.module.css";
import type { RowFacts } from "./Grid";
import { MainCell } from "./MainCell";
import { RowMenu } from "./RowMenu";

/** Rows as cards, for screens too narrow for a table. */
export function Cards<Row>({ saved, ...facts }: RowFacts<Row> & { saved: TablePreferences }) {
  const { rows, rowId, rowLink, rowActions, rowActionsLabel } = facts;
  const columns = shownColumns(facts.columns, saved);
  const main = columns.find((column) => column.isMain);
  const badges = columns.filter((column) => column.card === "badge");
  const lines = columns.filter((column) => column.card === "line" || column.card === "wide");

  return (
    <Stack component="ul" gap="xs" p={0} m={0} aria-label={facts.label} className={classes.cards}>
      {rows.map((row) => (
        <Paper key={rowId(row)} component="li" withBorder p="sm">
          <Group justify="space-between" wrap="nowrap" align="flex-start" gap="xs">
            <div className={classes.cardTitle}>{main ? <MainCell column={main} row={row} link={rowLink} /> : null}</div>
            <Group gap="xs" wrap="nowrap">
              {badges.map((column) => (
                <div key={column.id}>{column.render(row)}</div>
              ))}
              {rowActions ? (
                <RowMenu label={rowActionsLabel?.(row) ?? strings.actions} actions={rowActions(row)} />
              ) : null}
            </Group>
          </Group>
          <dl className={classes.cardLines}>
            {lines.map((column) => (
              <div key={column.id} data-place={column.card}>
                <VisuallyHidden component="dt">{column.title}</VisuallyHidden>
                <dd>{column.render(row)}</dd>
              </div>
            ))}
          </dl>
        </Paper>
      ))}
    </Stack>
  );
}
