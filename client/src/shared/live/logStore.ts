import type { LogLine } from "./liveEvents";

/** How often listeners are told at most: faster than anybody reads, slow enough that a flood does not stop the page. */
const TELL_MS = 100;

/**
 * The lines of one log, as far as they are known. Lines are only ever added, in order, so whatever is derived from
 * them can go on where it stopped instead of beginning again. Fits `useSyncExternalStore`.
 */
export class LogStore {
  readonly #lines: LogLine[] = [];
  readonly #listeners = new Set<() => void>();
  #shown = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Every line so far. */
  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** The `seq` of the last line; 0 before the first. */
  get through(): number {
    return this.#lines.at(-1)?.seq ?? 0;
  }

  /** Add lines. One that is here already is not added again. */
  append(lines: readonly LogLine[]): void {
    for (const line of lines) {
      if (line.seq > this.through) {
        this.#lines.push(line);
      }
    }
    if (this.#lines.length !== this.#shown) {
      this.#timer ??= setTimeout(() => this.#tell(), TELL_MS);
    }
  }

  /** Tell listeners now what they have not been told yet. */
  flush(): void {
    if (this.#timer !== undefined) {
      this.#tell();
    }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** How many lines listeners have been told of: what they render, until they are told again. */
  readonly count = (): number => this.#shown;

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#shown = this.#lines.length;
    for (const listener of this.#listeners) listener();
  }
}
