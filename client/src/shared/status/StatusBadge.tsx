import {
  IconBolt,
  IconCircleCheck,
  IconCircleX,
  IconClock,
  IconClockX,
  IconHourglass,
  IconLoader2,
  IconPlayerStop,
} from "@tabler/icons-react";
import { strings } from "@/strings/shared";
import type { components } from "@/types/api";
import classes from "./StatusBadge.module.css";

/** Where an execution stands. `Waiting` is not used by the server yet. */
export type Status = components["schemas"]["ExecutionStatus"] | "Waiting";

const icons = {
  Pending: IconClock,
  Running: IconLoader2,
  Waiting: IconHourglass,
  Success: IconCircleCheck,
  Failed: IconCircleX,
  TimedOut: IconClockX,
  Interrupted: IconBolt,
  Cancelled: IconPlayerStop,
} satisfies Record<Status, unknown>;

/** The status of an execution: icon, word and colour, so that colour is never the only sign. */
export function StatusBadge({ status, size = "sm" }: { status: Status; size?: "sm" | "lg" }) {
  const Icon = icons[status];
  return (
    <span className={classes.badge} data-status={status} data-size={size}>
      <Icon className={classes.icon} aria-hidden stroke={2} />
      {strings.statuses[status]}
    </span>
  );
}

/** The same where there is no room for the word: it is said aloud, and shown on hover. */
export function StatusIcon({ status }: { status: Status }) {
  const Icon = icons[status];
  return (
    <span className={classes.sign} data-status={status} title={strings.statuses[status]}>
      <Icon className={classes.icon} role="img" aria-label={strings.statuses[status]} stroke={2} />
    </span>
  );
}
