import { expect, test } from "vitest";
import { formatDuration, formatInstant } from "./format";

const now = new Date("2026-03-10T12:00:00Z");
const ago = (seconds: number) => formatInstant(new Date(now.getTime() - seconds * 1_000), now);

test("an instant within a day is told in words, a clock that runs ahead is now", () => {
  expect(ago(20)).toBe("just now");
  expect(ago(-20)).toBe("just now");
  expect(ago(60)).toBe("1 min. ago");
  expect(ago(59 * 60 + 59)).toBe("59 min. ago");
  expect(ago(23 * 3600)).toBe("23 hr. ago");
});

test("an older instant is told as date and time", () => {
  expect(ago(25 * 3600)).toMatch(/9.*2026.*11:00/);
});

test("a duration has at most two units", () => {
  expect(formatDuration(850)).toBe("850 ms");
  expect(formatDuration(12_340)).toBe("12.3 s");
  expect(formatDuration(59_990)).toBe("59.9 s");
  expect(formatDuration(185_000)).toBe("3 min 5 s");
  expect(formatDuration(7_800_000)).toBe("2 h 10 min");
});
