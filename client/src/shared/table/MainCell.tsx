import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import type { Column } from "./columns";

interface MainCellProps<Row> {
  column: Column<Row>;
  row: Row;
  link: ((row: Row) => string) | undefined;
}

/** The content of a cell; in the main column it is the row's link. */
export function MainCell<Row>({ column, row, link }: MainCellProps<Row>) {
  const content = column.render(row);
  if (!column.isMain || !link) {
    return content;
  }
  return (
    <Anchor component={Link} to={link(row)} fz="inherit" fw={500} data-row-link>
      {content}
    </Anchor>
  );
}
