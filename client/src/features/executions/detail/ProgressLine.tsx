import { Group, Progress, Text } from "@mantine/core";
import { strings } from "@/strings/execution";
import classes from "./Execution.module.css";
import type { Execution } from "./execution";

/** How far the run is, as its workflow says; moving stripes where it says nothing. */
export function ProgressLine({ execution }: { execution: Execution }) {
  const { progress, status } = execution;
  const percent = typeof progress?.percent === "number" ? progress.percent : null;
  const message = progress?.message ?? (status === "Pending" ? strings.pendingHint : strings.runningHint);
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="md" mb={4}>
        <Text size="sm" truncate>
          {message}
        </Text>
        {percent !== null && (
          <Text size="sm" fw={600} className={classes.figure}>
            {strings.percent(percent)}
          </Text>
        )}
      </Group>
      <Progress.Root size="md">
        <Progress.Section
          value={percent ?? 100}
          striped={percent === null}
          animated={percent === null}
          withAria={false}
          role="progressbar"
          aria-label={strings.progress}
          aria-valuetext={percent === null ? message : `${strings.percent(percent)}, ${message}`}
          {...(percent !== null && { "aria-valuenow": percent, "aria-valuemin": 0, "aria-valuemax": 100 })}
        />
      </Progress.Root>
    </div>
  );
}
