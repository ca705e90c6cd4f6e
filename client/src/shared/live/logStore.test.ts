import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { LogLine } from "./liveEvents";
import { LogStore } from "./logStore";
import { LogView, rowOf } from "./logView";

function line(seq: number, changes: Partial<LogLine> = {}): LogLine {
  return {
    seq,
    at: "2026-01-01T00:00:00Z",
    level: "info",
    source: "print",
    message: `line ${seq}`,
    step: null,
    ...changes,
  };
}

const everything = { level: "debug", step: null, stepFailed: false, search: "" } as const;
const seqs = (lines: readonly LogLine[]) => lines.map(({ seq }) => seq);

/** A view of all the lines. */
function view(lines: LogLine[], filter: Partial<ConstructorParameters<typeof LogView>[0]>) {
  const made = new LogView({ ...everything, ...filter });
  made.extend(lines, lines.length);
  return made;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("keeps each line once, in order", () => {
  const store = new LogStore();
  store.append([line(1), line(2)]);
  store.append([line(2), line(3)]);
  store.append([line(1)]);
  expect(seqs(store.lines)).toEqual([1, 2, 3]);
  expect(store.through).toBe(3);
});

it("tells of many lines at once, and shows none before it told", async () => {
  const store = new LogStore();
  const told = vi.fn();
  const unsubscribe = store.subscribe(told);
  for (let seq = 1; seq <= 1_000; seq++) {
    store.append([line(seq)]);
  }
  expect(store.count()).toBe(0);
  await vi.advanceTimersByTimeAsync(100);
  expect(told).toHaveBeenCalledOnce();
  expect(store.count()).toBe(1_000);
  store.append([line(1)]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told).toHaveBeenCalledOnce();
  store.append([line(1_001)]);
  store.flush();
  expect(told).toHaveBeenCalledTimes(2);
  unsubscribe();
  store.append([line(1_002)]);
  store.flush();
  expect(told).toHaveBeenCalledTimes(2);
});

it("reads each of 100,000 lines once while they arrive in a thousand parts", () => {
  const store = new LogStore();
  const filtered = new LogView({ ...everything, level: "warning", search: "LINE 99" });
  let reads = 0;
  const counted = (seq: number): LogLine => {
    const made = line(seq, { level: seq % 10 === 0 ? "warning" : "info" });
    return Object.defineProperty(made, "level", {
      get: () => {
        reads += 1;
        return seq % 10 === 0 ? "warning" : "info";
      },
    });
  };
  for (let part = 0; part < 1_000; part++) {
    store.append(Array.from({ length: 100 }, (_, index) => counted(part * 100 + index + 1)));
    filtered.extend(store.lines, store.lines.length);
  }
  expect(reads).toBe(100_000);
  expect(filtered.rows).toHaveLength(10_000);
  // "line 990", "line 9900" to "line 9990", "line 99000" to "line 99990".
  expect(filtered.matches).toHaveLength(1 + 10 + 100);
});

it("filters by level and by step", () => {
  const lines = [line(1, { level: "debug" }), line(2, { step: 1 }), line(3, { level: "error", step: 2 })];
  expect(seqs(view(lines, { level: "info" }).rows)).toEqual([2, 3]);
  expect(seqs(view(lines, { level: "error" }).rows)).toEqual([3]);
  expect(seqs(view(lines, { step: 1 }).rows)).toEqual([2]);
});

it("shows the traceback with the step that raised, although it is written after it", () => {
  const lines = [line(1, { step: 1 }), line(2, { step: 2 }), line(3, { level: "error", source: "traceback" })];
  expect(seqs(view(lines, { step: 2, stepFailed: true }).rows)).toEqual([2, 3]);
  expect(seqs(view(lines, { step: 1, stepFailed: false }).rows)).toEqual([1]);
});

it("finds text in what is shown, whatever its case", () => {
  const lines = [
    line(1, { message: "Found ADA" }),
    line(2, { message: "ada", level: "debug" }),
    line(3, { message: "Ada" }),
  ];
  const found = view(lines, { search: "ada", level: "info" });
  expect(seqs(found.rows)).toEqual([1, 3]);
  expect(found.matches).toEqual([0, 1]);
});

it("finds the row of a line, or of the next one that is shown", () => {
  const rows = [line(2), line(5), line(9)];
  expect([1, 2, 3, 5, 9, 10].map((seq) => rowOf(rows, seq))).toEqual([0, 0, 1, 1, 2, -1]);
});
