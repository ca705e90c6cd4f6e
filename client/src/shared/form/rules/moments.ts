/** A calendar day, `YYYY-MM-DD` from the year 1 on, as days since 1970. */
export function dayNumber(text: unknown): number | undefined {
  const parts = typeof text === "string" && /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  if (!parts) {
    return undefined;
  }
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  // `Date.UTC` reads the years 0 to 99 as 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() / 86_400_000 : undefined;
}

/** Seconds since 1970 and nanoseconds. */
type Instant = readonly [seconds: number, nanoseconds: number];

const INSTANT =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/;

/** An instant of RFC 3339 with upper-case `T` and `Z` and no leap second. */
export function instant(text: unknown): Instant | undefined {
  const parts = typeof text === "string" ? INSTANT.exec(text) : null;
  const day = parts ? dayNumber(parts[1]) : undefined;
  if (!parts || day === undefined) {
    return undefined;
  }
  const at = (index: number) => Number(parts[index] ?? 0);
  if (at(2) > 23 || at(3) > 59 || at(4) > 59 || at(7) > 23 || at(8) > 59) {
    return undefined;
  }
  const offset = (at(7) * 3600 + at(8) * 60) * (parts[6] === "-" ? -1 : 1);
  return [day * 86_400 + at(2) * 3600 + at(3) * 60 + at(4) - offset, Number((parts[5] ?? "").padEnd(9, "0"))];
}
