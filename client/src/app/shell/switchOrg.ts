import { matchPath } from "react-router";
import { orgPath } from "@/shared/org/org";
import { strings } from "@/strings/shell";

/** Filters of the executions list that mean the same everywhere. Others (cursors, people) belong to one organization. */
const KEPT_OF_EXECUTIONS = ["status", "workflow", "q", "from", "to", "size"];

/** Where to go, and what to say there if it is not quite the same page. */
export interface Switched {
  to: string;
  notice?: string;
}

/**
 * The page of the address in another organization. What belongs to the old one is dropped: a single run becomes the
 * list of runs, and parameters stay only where they mean the same.
 */
export function switchOrg({ pathname, search }: { pathname: string; search: string }, orgId: string): Switched {
  const rest = matchPath("/o/:org/*", pathname)?.params["*"];
  if (!rest) {
    return { to: orgPath(orgId, "home") };
  }
  if (/^executions\/./.test(rest)) {
    return { to: orgPath(orgId, "executions"), notice: strings.runStays };
  }
  if (rest === "executions") {
    return { to: orgPath(orgId, rest) + kept(search, KEPT_OF_EXECUTIONS) };
  }
  return { to: orgPath(orgId, rest) };
}

function kept(search: string, names: string[]): string {
  const all = new URLSearchParams(search);
  const some = new URLSearchParams([...all].filter(([name]) => names.includes(name)));
  return some.size === 0 ? "" : `?${some}`;
}
