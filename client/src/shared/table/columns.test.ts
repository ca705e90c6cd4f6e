import { expect, test } from "vitest";
import { allColumns, type Column, moved, shownColumns, widthOf } from "./columns";

const column = (id: string, more: Partial<Column<unknown>> = {}): Column<unknown> => ({
  id,
  title: id,
  width: 100,
  render: () => id,
  ...more,
});
const ids = (columns: Column<unknown>[]) => columns.map(({ id }) => id);
const columns = [column("a", { isMain: true }), column("b"), column("c"), column("d", { isOptional: true })];

test("at first all are shown but the optional ones", () => {
  expect(ids(shownColumns(columns, {}))).toEqual(["a", "b", "c"]);
});

test("the saved columns are shown in their order, without those that are no more", () => {
  expect(ids(shownColumns(columns, { columns: ["d", "gone", "a", "b"] }))).toEqual(["d", "a", "b"]);
});

test("the main column is shown whatever was saved", () => {
  expect(ids(shownColumns(columns, { columns: ["c"] }))).toEqual(["a", "c"]);
});

test("the others follow those on show", () => {
  expect(ids(allColumns(columns, { columns: ["c", "a"] }))).toEqual(["c", "a", "b", "d"]);
});

test("a column moves one place and stays at the ends", () => {
  expect(moved(["a", "b", "c"], "b", -1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b", "c"], "b", 1)).toEqual(["a", "c", "b"]);
  expect(moved(["a", "b", "c"], "a", -1)).toEqual(["a", "b", "c"]);
  expect(moved(["a", "b", "c"], "c", 1)).toEqual(["a", "b", "c"]);
});

test("a width outside of the limits is brought inside", () => {
  expect(widthOf(column("a"), {})).toBe(100);
  expect(widthOf(column("a"), { widths: { a: 5 } })).toBe(64);
  expect(widthOf(column("a"), { widths: { a: 9_000 } })).toBe(640);
});
