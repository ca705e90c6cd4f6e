import { Button, VisuallyHidden } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconSearch, IconSearchOff } from "@tabler/icons-react";
import { type ReactNode, useRef } from "react";
import { Empty } from "@/shared/states/Empty";
import { ErrorState } from "@/shared/states/ErrorState";
import { RowsSkeleton } from "@/shared/states/Skeletons";
import { strings } from "@/strings/table";
import { Cards } from "./Cards";
import { ColumnsMenu } from "./ColumnsMenu";
import classes from "./DataTable.module.css";
import { FilterBar } from "./FilterBar";
import type { TableFilter } from "./filters";
import { Grid, type RowFacts } from "./Grid";
import { Pager } from "./Pager";
import { useRowKeys } from "./useRowKeys";
import type { TableState } from "./useTableState";

/** Where the rows come from: what a query says about itself. */
export interface RowsSource {
  isPending: boolean;
  /** Rows of an earlier question are still shown. */
  isPlaceholderData: boolean;
  error: unknown;
  refetch: () => unknown;
}

interface DataTableProps<Row> extends Omit<RowFacts<Row>, "rows"> {
  /** Filters, page and what the person saved: `useTableState`. */
  state: TableState;
  source: RowsSource;
  /** The rows on show; `undefined` until there are any to show. */
  rows: Row[] | undefined;
  filters?: TableFilter[];
  /** Where the next page begins, `null` at the end. Absent for a list that has no pages. */
  nextCursor?: string | null | undefined;
  /** What failed: "The runs could not be loaded". */
  errorTitle: string;
  /** Shown when there is nothing at all, and nothing that matches the filters. */
  empty: { nothingYet: ReactNode; nothingMatches: string };
  /** Beside the number of rows. */
  note?: ReactNode;
  /** Between filters and rows: "3 new runs". */
  banner?: ReactNode;
  /** At the right end of the filters. */
  tools?: ReactNode;
}

/** A list of things: filters in the URL, pages by cursor, columns as the person left them, cards on a phone. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { state, source, rows, filters = [], nextCursor, errorTitle, empty, note, banner, tools, ...facts } = props;
  const { url, saved, save } = state;
  const isNarrow = useMediaQuery("(max-width: 47.99em)", false, { getInitialValueInEffect: false }) ?? false;
  const container = useRef<HTMLDivElement>(null);
  useRowKeys(container);
  const hasPages = nextCursor !== undefined && (rows?.length !== 0 || nextCursor !== null || !url.isFirstPage);

  return (
    <section aria-label={facts.label}>
      <FilterBar filters={filters} url={url} isNarrow={isNarrow}>
        {tools}
        {isNarrow ? null : <ColumnsMenu columns={facts.columns} saved={saved} onChange={save} />}
      </FilterBar>
      {banner}
      <div
        ref={container}
        className={source.isPlaceholderData ? classes.dimmed : undefined}
        aria-busy={source.isPlaceholderData}
      >
        {content()}
      </div>
      {hasPages && rows ? (
        <Pager
          url={url}
          nextCursor={nextCursor}
          rowCount={rows.length}
          onSize={(size) => {
            save({ ...saved, page_size: size });
            url.setSize(size);
          }}
          note={note}
        />
      ) : null}
      <VisuallyHidden role="status">
        {rows && !source.isPlaceholderData ? strings.rows(rows.length) : ""}
      </VisuallyHidden>
    </section>
  );

  function content(): ReactNode {
    if (source.error && !rows) {
      return <ErrorState title={errorTitle} error={source.error} onRetry={() => void source.refetch()} />;
    }
    if (!rows) {
      return <RowsSkeleton />;
    }
    if (rows.length > 0) {
      return isNarrow ? (
        <Cards {...facts} rows={rows} saved={saved} />
      ) : (
        <Grid {...facts} rows={rows} saved={saved} onSaved={save} />
      );
    }
    if (nextCursor) {
      // A filter looks at so many rows per answer; this one has found nothing among them.
      return (
        <Empty title={strings.nothingSoFar} icon={IconSearch}>
          {note ? <p>{note}</p> : null}
          <Button size="xs" variant="light" onClick={() => url.older(nextCursor)}>
            {strings.searchFurther}
          </Button>
        </Empty>
      );
    }
    if (Object.keys(url.filters).length > 0) {
      return (
        <Empty title={empty.nothingMatches} icon={IconSearchOff}>
          <Button size="xs" variant="light" onClick={url.clearFilters}>
            {strings.clearFilters}
          </Button>
        </Empty>
      );
    }
    if (!url.isFirstPage) {
      return (
        <Empty title={strings.noMoreHere}>
          <Button size="xs" variant="light" onClick={url.newest}>
            {strings.newest}
          </Button>
        </Empty>
      );
    }
    return empty.nothingYet;
  }
}
