import { Text, Title } from "@mantine/core";
import { isFinal } from "@/shared/live/liveEvents";
import { StatusIcon } from "@/shared/status/StatusBadge";
import { formatDuration } from "@/shared/time/format";
import { useNow } from "@/shared/time/useNow";
import { strings } from "@/strings/execution";
import classes from "./Execution.module.css";
import { elapsedMs } from "./ExecutionFacts";
import type { Execution } from "./execution";

type Step = Execution["steps"][number];

interface StepsProps {
  execution: Execution;
  selected: number | null;
  /** `null` for every step. */
  onSelect: (seq: number | null) => void;
}

/** The steps of a run on a common axis of time: what ran when, beside what, and how it ended. */
export function Steps({ execution, selected, onSelect }: StepsProps) {
  const { steps, completed_at } = execution;
  const isOver = isFinal(execution.status);
  const now = useNow(isOver ? null : 1_000);
  const from = new Date(steps[0]?.started_at ?? execution.started_at);
  const until = completed_at ? new Date(completed_at) : now;
  const spanMs = Math.max(1, until.getTime() - from.getTime());
  return (
    <section aria-labelledby="steps-heading" className={classes.steps}>
      <Title order={2} id="steps-heading" size="h3" mb={4}>
        {strings.steps}
      </Title>
      <ol className={classes.stepList}>
        {steps.map((step) => {
          const offsetMs = elapsedMs(from.toISOString(), new Date(step.started_at));
          const tookMs = step.duration_ms ?? elapsedMs(step.started_at, until);
          return (
            <li key={step.seq}>
              <button
                type="button"
                className={classes.step}
                aria-pressed={selected === step.seq}
                onClick={() => onSelect(selected === step.seq ? null : step.seq)}
              >
                <StatusIcon status={step.status} />
                <span className={classes.stepName}>{step.name}</span>
                <span className={classes.stepTime}>{durationOf(step, tookMs)}</span>
                <span className={classes.axis} aria-hidden>
                  <span
                    className={classes.bar}
                    data-status={step.status}
                    style={{ left: percent(offsetMs, spanMs), width: percent(tookMs, spanMs) }}
                  />
                </span>
                {step.error_message && <span className={classes.stepError}>{step.error_message}</span>}
              </button>
            </li>
          );
        })}
      </ol>
      <Text size="xs" c="dimmed" mt={4}>
        {strings.stepsHint}
      </Text>
    </section>
  );
}

function durationOf(step: Step, tookMs: number): string {
  if (step.status !== "Running") {
    return formatDuration(tookMs);
  }
  return tookMs < 60_000 ? `${Math.floor(tookMs / 1_000)} s` : formatDuration(tookMs);
}

function percent(part: number, whole: number): string {
  return `${Math.min(100, (100 * part) / whole).toFixed(2)}%`;
}
