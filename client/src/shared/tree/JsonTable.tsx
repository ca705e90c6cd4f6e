import { Group, Pagination, ScrollArea, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";
import { strings } from "@/strings/tree";
import type { FlatTable } from "./flatTable";
import { Masked } from "./JsonValue";
import { isMasked, type Json } from "./json";

/** Rows at once. */
const PAGE_ROWS = 50;

/** An array of flat objects as a table, a page at a time. */
export function JsonTable({ table, label }: { table: FlatTable; label: string }) {
  const [page, setPage] = useState(1);
  const { columns, rows } = table;
  const from = (page - 1) * PAGE_ROWS;
  const shown = rows.slice(from, from + PAGE_ROWS);
  const pages = Math.ceil(rows.length / PAGE_ROWS);
  return (
    <Stack gap="xs">
      <ScrollArea.Autosize
        mah="min(60vh, 40rem)"
        type="auto"
        viewportProps={{ tabIndex: 0, role: "region", "aria-label": label }}
      >
        <Table striped highlightOnHover stickyHeader withTableBorder fz="xs" verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              {columns.map((name) => (
                <Table.Th key={name} scope="col" ta={typeof rows[0]?.[name] === "number" ? "right" : undefined}>
                  {name}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((row, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
              <Table.Tr key={from + index}>
                {columns.map((name) => (
                  <Table.Td key={name} ta={typeof row[name] === "number" ? "right" : undefined}>
                    <Cell value={row[name]} />
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
      <Group justify="space-between">
        <Text size="xs" c="dimmed">
          {pages > 1 ? strings.rowsOf(from + 1, from + shown.length, rows.length) : strings.rows(rows.length)}
        </Text>
        {pages > 1 && (
          <Pagination
            size="sm"
            total={pages}
            value={page}
            onChange={setPage}
            aria-label={strings.page}
            getControlProps={(control) => ({ "aria-label": control })}
          />
        )}
      </Group>
    </Stack>
  );
}

function Cell({ value }: { value: Json | undefined }) {
  if (value === undefined || value === null) {
    return (
      <Text span inherit c="dimmed" aria-hidden>
        {"\u2013"}
      </Text>
    );
  }
  if (typeof value === "boolean") {
    return value ? strings.yes : strings.no;
  }
  const text = String(value);
  return isMasked(text) ? <Masked text={text} /> : text;
}
