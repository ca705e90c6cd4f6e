import { Loader, Text } from "@mantine/core";
import { useConnection } from "@/shared/api/connection";
import type { Connection } from "@/shared/live/contact";
import { logStrings as strings } from "@/strings/execution";
import classes from "./Log.module.css";

/** Whether what is shown is what there is. Says aloud only when it changes, not per line. */
export function ConnectionNote({ connection }: { connection: Connection }) {
  // A proxy may hold a stream open whose server is gone; any other request tells.
  const isAway = useConnection() !== "ok";
  const shown = isAway && connection !== "over" ? "reconnecting" : connection;
  return (
    <Text size="xs" c="dimmed" role="status" component="div" className={classes.connection} data-connection={shown}>
      {shown === "reconnecting" || shown === "connecting" ? (
        <Loader size={12} aria-hidden />
      ) : (
        <span className={classes.dot} aria-hidden />
      )}
      {strings.connection[shown]}
    </Text>
  );
}
