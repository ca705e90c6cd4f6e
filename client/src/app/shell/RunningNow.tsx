import { Tooltip } from "@mantine/core";
import { IconLoader2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { executionsQuery } from "@/shared/executions/executions";
import { type Org, orgPath } from "@/shared/org/org";
import { strings } from "@/strings/shell";
import classes from "./RunningNow.module.css";
import { useShellOrg } from "./useShellOrg";

const REFRESH_MS = 5_000;
/** Beyond this many the indicator says "more than". */
const COUNTED = 50;

/** How many runs of the organization are running, with a link to them. */
export function RunningNow() {
  const org = useShellOrg();
  return org.permissions.execute_workflows || org.permissions.view_history ? <Indicator org={org} /> : null;
}

function Indicator({ org }: { org: Org }) {
  const { data } = useQuery({
    ...executionsQuery(org.id, { status: "Running", limit: COUNTED }),
    refetchInterval: REFRESH_MS,
  });
  if (!data) {
    return null;
  }
  const count = data.next_cursor ? `${COUNTED}+` : String(data.items.length);
  const label = strings.runningNow(count, org.name);
  return (
    <Tooltip label={label}>
      <Link
        to={`${orgPath(org.id, "executions")}?status=Running`}
        aria-label={label}
        className={classes.indicator}
        data-some={data.items.length > 0 || undefined}
      >
        <IconLoader2 size={18} aria-hidden />
        <span className={classes.count}>{count}</span>
      </Link>
    </Tooltip>
  );
}
