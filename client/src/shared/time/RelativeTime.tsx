import { Tooltip } from "@mantine/core";
import { formatExact, formatInstant } from "./format";
import { useNow } from "./useNow";

const RENEW_MS = 30_000;

/** When something happened: near instants in words, the exact one with its zone on hover and focus. */
export function RelativeTime({ at }: { at: string }) {
  const now = useNow(RENEW_MS);
  const instant = new Date(at);
  return (
    <Tooltip label={formatExact(instant)} events={{ hover: true, focus: true, touch: true }}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the exact time must be reachable by keyboard */}
      <time dateTime={at} tabIndex={0} style={{ whiteSpace: "nowrap" }}>
        {formatInstant(instant, now)}
      </time>
    </Tooltip>
  );
}
