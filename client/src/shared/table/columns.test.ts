import { expect, test } from "vitest";
import { type Column, inOrder, isVisible, moved, widthOf } from "./columns";

const column = (id: string, more: Partial<Column<unknown>> = {}): Column<unknown> => ({
  id,
  title: id,
  width: 100,
  render: () => id,
  ...more,
});
const ids = (columns: Column<unknown>[]) => columns.map(({ id }) => id);
const columns = [column("a", { isMain: true }), column("b"), column("c"), column("d", { isOptional: true })];

test("columns come in the order that was saved", () => {
  expect(ids(inOrder(columns, { order: ["c", "a", "d", "b"] }))).toEqual(["c", "a", "d", "b"]);
});

test("a column that came with a new version stands behind the one it follows in code", () => {
  expect(ids(inOrder(columns, { order: ["b", "a", "d"] }))).toEqual(["b", "c", "a", "d"]);
  expect(ids(inOrder(columns, { order: ["d", "c", "b"] }))).toEqual(["a", "d", "c", "b"]);
});

test("a column that is no more is forgotten", () => {
  expect(ids(inOrder(columns, { order: ["gone", "b", "a", "c", "d"] }))).toEqual(["b", "a", "c", "d"]);
});

test("optional columns are hidden until chosen, and the main one cannot be", () => {
  const [main, plain, , optional] = columns as [Column<unknown>, Column<unknown>, Column<unknown>, Column<unknown>];
  expect([isVisible(plain, {}), isVisible(optional, {})]).toEqual([true, false]);
  const saved = { visible: { a: false, b: false, d: true } };
  expect([isVisible(main, saved), isVisible(plain, saved), isVisible(optional, saved)]).toEqual([true, false, true]);
});

test("a column moves one place and stays at the ends", () => {
  expect(moved(columns, "b", -1)).toEqual(["b", "a", "c", "d"]);
  expect(moved(columns, "b", 1)).toEqual(["a", "c", "b", "d"]);
  expect(moved(columns, "a", -1)).toEqual(["a", "b", "c", "d"]);
  expect(moved(columns, "d", 1)).toEqual(["a", "b", "c", "d"]);
});

test("a width outside of the limits is brought inside", () => {
  expect(widthOf(column("a"), {})).toBe(100);
  expect(widthOf(column("a"), { widths: { a: 5 } })).toBe(64);
  expect(widthOf(column("a"), { widths: { a: 9_000 } })).toBe(640);
});
