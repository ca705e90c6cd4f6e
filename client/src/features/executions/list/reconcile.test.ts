import { expect, test } from "vitest";
import { reconcile } from "./reconcile";
import type { Run } from "./runsQuery";

const run = (minute: number, changes: Partial<Run> = {}): Run => ({
  id: `run-${minute}`,
  workflow_name: "onboard",
  executed_by: "99999999-9999-4999-8999-999999999999",
  executed_by_name: "Ada",
  trigger: "api",
  status: "Success",
  started_at: `2026-11-25T10:${String(minute).padStart(2, "0")}:00Z`,
  ...changes,
});
const ids = (rows: Run[]) => rows.map(({ id }) => id);

test("rows change in place while new runs are only counted", () => {
  const shown = [run(3, { status: "Running" }), run(2)];
  const { rows, newRuns, hasChanged } = reconcile(shown, [run(5), run(4), run(3), run(2)], false);
  expect(ids(rows)).toEqual(["run-3", "run-2"]);
  expect(rows[0]?.status).toBe("Success");
  expect([newRuns, hasChanged]).toEqual([2, false]);
});

test("rows that new ones pushed off the page have not changed", () => {
  const shown = [run(3), run(2)];
  expect(reconcile(shown, [run(4), run(3)], true)).toMatchObject({ newRuns: 1, hasChanged: false });
  expect(reconcile(shown, [run(9), run(8)], true)).toMatchObject({ newRuns: 2, hasChanged: false });
});

test("a row that no longer matches the filters is said to have changed", () => {
  const shown = [run(3, { status: "Running" }), run(2, { status: "Running" }), run(1, { status: "Running" })];
  const latest = [run(3, { status: "Running" }), run(1, { status: "Running" })];
  expect(reconcile(shown, latest, true)).toMatchObject({ newRuns: 0, hasChanged: true });
  expect(reconcile(shown, [], false)).toMatchObject({ newRuns: 0, hasChanged: true });
});
