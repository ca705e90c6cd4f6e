import { Loader, Text } from "@mantine/core";
import type { Connection } from "@/shared/live/contact";
import { logStrings as strings } from "@/strings/execution";
import classes from "./Log.module.css";

/** Whether what is shown is what there is. Says aloud only when it changes, not per line. */
export function ConnectionNote({ connection }: { connection: Connection }) {
  return (
    <Text
      size="xs"
      c="dimmed"
      role="status"
      component="div"
      className={classes.connection}
      data-connection={connection}
    >
      {connection === "reconnecting" || connection === "connecting" ? (
        <Loader size={12} aria-hidden />
      ) : (
        <span className={classes.dot} aria-hidden />
      )}
      {strings.connection[connection]}
    </Text>
  );
}
