import { Anchor, Button, Code, Group, Stack, Text, Title } from "@mantine/core";
import {
  IconBolt,
  IconChevronRight,
  IconClockX,
  IconExclamationCircle,
  IconPlayerStop,
  IconTicket,
} from "@tabler/icons-react";
import { useState, useSyncExternalStore } from "react";
import type { LogStore } from "@/shared/live/logStore";
import { isTraceback } from "@/shared/live/logView";
import { formatDuration } from "@/shared/time/format";
import { strings } from "@/strings/execution";
import classes from "./Execution.module.css";
import { RunAgain, useCopyTicket } from "./ExecutionActions";
import { type Execution, failedStep } from "./execution";

interface FailurePanelProps {
  execution: Execution;
  log: LogStore;
  /** Whether every line of the log is known. */
  isRead: boolean;
  onShowStep: (seq: number) => void;
}

const ICONS = { Failed: IconExclamationCircle, TimedOut: IconClockX, Interrupted: IconBolt, Cancelled: IconPlayerStop };

/** First of all why a run did not end well: what was raised, in which step, and what to do now. */
export function FailurePanel({ execution, log, isRead, onShowStep }: FailurePanelProps) {
  const copyTicket = useCopyTicket(execution, log);
  const { status } = execution;
  if (status !== "Failed" && status !== "TimedOut" && status !== "Interrupted" && status !== "Cancelled") {
    return null;
  }
  const Icon = ICONS[status];
  const step = failedStep(execution);
  return (
    <section className={classes.failure} data-status={status} aria-labelledby="failure-heading">
      <Icon aria-hidden className={classes.failureIcon} />
      <Stack gap="xs" className={classes.failureBody}>
        <Title order={2} size="h3" id="failure-heading">
          {strings.failures[status]}
        </Title>
        <Text size="sm" className={classes.error}>
          {execution.error_type && <Code>{execution.error_type}</Code>} {reason(execution)}
        </Text>
        {step && (
          <Text size="sm">
            {strings.inStep}{" "}
            <Anchor component="button" type="button" inherit underline="always" onClick={() => onShowStep(step.seq)}>
              {step.name}
            </Anchor>
          </Text>
        )}
        <Traceback log={log} isRead={isRead} />
        <Group gap="xs">
          <RunAgain execution={execution} />
          <Button variant="default" leftSection={<IconTicket size={16} aria-hidden />} onClick={copyTicket}>
            {strings.copyTicket}
          </Button>
        </Group>
      </Stack>
    </section>
  );
}

function reason(execution: Execution): string {
  const said = execution.error_message ?? "";
  switch (execution.status) {
    case "TimedOut":
      return `${said} ${strings.timedOutHint(formatDuration(execution.timeout_seconds * 1_000))}`.trim();
    case "Interrupted":
      return `${said} ${strings.interruptedHint}`.trim();
    case "Cancelled":
      return `${said} ${strings.cancelledHint}`.trim();
    default:
      return said || strings.returnedFailure;
  }
}

/** The last traceback of the log, folded. */
function Traceback({ log, isRead }: { log: LogStore; isRead: boolean }) {
  useSyncExternalStore(log.subscribe, log.count);
  const [isOpen, setOpen] = useState(false);
  const line = isRead ? log.lines.findLast(isTraceback) : undefined;
  if (!line) {
    return null;
  }
  return (
    <div className={classes.traceback}>
      <Button
        variant="subtle"
        size="compact-sm"
        ml={-8}
        color="gray"
        leftSection={<IconChevronRight size={14} aria-hidden className={classes.chevron} />}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {strings.traceback}
      </Button>
      {isOpen && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section tabIndex={0} aria-label={strings.traceback} className={classes.tracebackText}>
          <pre>{line.message.trimEnd()}</pre>
        </section>
      )}
    </div>
  );
}
