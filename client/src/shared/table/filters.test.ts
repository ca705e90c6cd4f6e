import { expect, test } from "vitest";
import { instantsOf } from "./filters";

test("days become the instants between which they lie, the last one included", () => {
  expect(instantsOf("2026-11-01", "2026-11-03")).toEqual({
    from: "2026-11-01T00:00:00.000Z",
    to: "2026-11-04T00:00:00.000Z",
  });
});

test("an open end asks for nothing", () => {
  expect(instantsOf("2026-12-31", undefined)).toEqual({ from: "2026-12-31T00:00:00.000Z" });
  expect(instantsOf(undefined, "2026-12-31")).toEqual({ to: "2027-01-01T00:00:00.000Z" });
});

test("what is no day in a link is left out", () => {
  expect(instantsOf("yesterday", "2026-1-1")).toEqual({});
});
