import type { LogLevel, LogLine } from "./liveEvents";

const SEVERITY: Record<LogLevel, number> = { debug: 0, info: 1, warning: 2, error: 3 };

/** Which lines are shown. */
export interface LogFilter {
  /** Only lines that matter at least so much. */
  level: LogLevel;
  /** Only lines of this step. */
  step: number | null;
  /** The step raised: the traceback, which is written after it, is part of what it has to say. */
  stepFailed: boolean;
  /** What is searched for; empty for nothing. Upper and lower case are the same. */
  search: string;
}

/**
 * The lines that pass a filter, and where among them something is found. Reads every line once: called again after
 * lines were added, it goes on where it stopped.
 */
export class LogView {
  /** Lines that pass, in order. */
  readonly rows: LogLine[] = [];
  /** Positions in `rows` where the search finds something. */
  readonly matches: number[] = [];
  readonly #filter: LogFilter;
  readonly #needle: string;
  #read = 0;

  constructor(filter: LogFilter) {
    this.#filter = filter;
    this.#needle = filter.search.toLowerCase();
  }

  /** Read on, up to the line before `end`. */
  extend(lines: readonly LogLine[], end: number): void {
    for (; this.#read < end; this.#read++) {
      const line = lines[this.#read];
      if (line === undefined || !this.#passes(line)) {
        continue;
      }
      if (this.#needle !== "" && line.message.toLowerCase().includes(this.#needle)) {
        this.matches.push(this.rows.length);
      }
      this.rows.push(line);
    }
  }

  #passes(line: LogLine): boolean {
    const { level, step, stepFailed } = this.#filter;
    if (SEVERITY[line.level] < SEVERITY[level]) {
      return false;
    }
    return step === null || line.step === step || (stepFailed && isTraceback(line));
  }
}

/** Whether the line is a traceback: many lines of text that are one thing. */
export function isTraceback(line: LogLine): boolean {
  return line.source === "traceback";
}

/** The position of the line with this `seq`, or of the first one after it; -1 when there is neither. */
export function rowOf(rows: readonly LogLine[], seq: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.seq ?? seq) < seq) {
      low = middle + 1;
    } else high = middle;
  }
  return low < rows.length ? low : -1;
}

/** A line as it stands in copied text and downloads: time, level, source, message. */
export function lineText(line: LogLine): string {
  return `${line.at} ${line.level} ${line.source} ${line.message}`;
}
