/** A choice of a filter. */
export interface FilterChoice {
  value: string;
  label: string;
}

/** One way to narrow a table down. Its id is its name in the URL. */
export type TableFilter =
  | { kind: "search"; id: string; label: string }
  | { kind: "choice"; id: string; label: string; choices: FilterChoice[] }
  | { kind: "days"; fromId: string; toId: string; label: string };

/** The ids under which a filter stands in the URL. */
export function idsOf(filter: TableFilter): string[] {
  return filter.kind === "days" ? [filter.fromId, filter.toId] : [filter.id];
}

/** The instants between which something happened on the days, in the zone of the viewer: first included, second not. */
export function instantsOf(from: string | undefined, to: string | undefined): { from?: string; to?: string } {
  const start = from ? startOfDay(from, 0) : undefined;
  const end = to ? startOfDay(to, 1) : undefined;
  return { ...(start ? { from: start } : {}), ...(end ? { to: end } : {}) };
}

/** The first instant of the day, or of one that many days later; `undefined` for what is no day. */
function startOfDay(day: string, daysLater: number): string | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!match) {
    return undefined;
  }
  const date = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + daysLater);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
