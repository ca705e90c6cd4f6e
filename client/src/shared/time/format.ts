import { strings } from "@/strings/shared";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** An instant for reading: "5 min. ago" within a day, otherwise date and time in the viewer's zone. */
export function formatInstant(instant: Date, now: Date): string {
  const ago = now.getTime() - instant.getTime();
  // Clocks of server and viewer differ a little: a moment ahead of us is now.
  if (ago < MINUTE_MS && ago > -MINUTE_MS) {
    return strings.justNow;
  }
  if (ago < 0 || ago >= DAY_MS) {
    return dateAndTime.format(instant);
  }
  return ago < HOUR_MS
    ? relative.format(-Math.floor(ago / MINUTE_MS), "minute")
    : relative.format(-Math.floor(ago / HOUR_MS), "hour");
}

/** An instant to the second, with the zone. */
export function formatExact(instant: Date): string {
  return exact.format(instant);
}

/** A duration in its two largest units: "850 ms", "12.3 s", "3 min 5 s", "2 h 10 min". */
export function formatDuration(ms: number): string {
  if (ms < 1_000) {
    return `${Math.round(ms)} ms`;
  }
  if (ms < MINUTE_MS) {
    return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  }
  if (ms < HOUR_MS) {
    return `${Math.floor(ms / MINUTE_MS)} min ${Math.floor((ms % MINUTE_MS) / 1_000)} s`;
  }
  return `${Math.floor(ms / HOUR_MS)} h ${Math.floor((ms % HOUR_MS) / MINUTE_MS)} min`;
}
