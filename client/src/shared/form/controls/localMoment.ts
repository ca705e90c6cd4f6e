/** The name of the zone that times are entered in: "Europe/Berlin". */
export function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** What a local control shows of an instant; nothing for what is none. */
export function localOf(instant: string): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime()) || !instant.includes("T")) {
    return "";
  }
  const day = [padded(date.getFullYear(), 4), padded(date.getMonth() + 1), padded(date.getDate())].join("-");
  const seconds = date.getSeconds() === 0 ? "" : `:${padded(date.getSeconds())}`;
  return `${day}T${padded(date.getHours())}:${padded(date.getMinutes())}${seconds}`;
}

/** The instant of a local day and time (`2026-03-31T09:30`), with the offset that is in force then. */
export function zonedOf(local: string): string | null {
  const date = new Date(local);
  if (local === "" || Number.isNaN(date.getTime())) {
    return null;
  }
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${padded(Math.trunc(Math.abs(offset) / 60))}:${padded(Math.abs(offset) % 60)}`;
  const [day = "", time = ""] = localOf(date.toISOString()).split("T");
  return `${day}T${time.length === 5 ? `${time}:00` : time}${zone}`;
}

function padded(number: number, length = 2): string {
  return String(number).padStart(length, "0");
}
