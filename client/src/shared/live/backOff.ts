/** How long to wait before the first retry. */
const FIRST_MS = 500;
/** The longest wait: a server that restarts is found again soon after. */
const CAP_MS = 5_000;

/**
 * How long to wait before the next try, in milliseconds: doubling, capped, with up to a quarter taken off at random, so
 * that not every browser returns to a restarted server at the same moment.
 *
 * @param failures tries that failed in a row, from 1
 */
export function backOffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return full * (1 - random() / 4);
}

/** Resolves after `ms`, or at once when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      return resolve();
    }
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener("abort", over);
  });
}
