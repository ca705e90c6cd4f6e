import type { LogLine } from "@/shared/live/liveEvents";
import { lineText } from "@/shared/live/logView";
import { formatDuration, formatExact } from "@/shared/time/format";
import { ticketStrings as names } from "@/strings/execution";
import { strings as shared } from "@/strings/shared";
import { type Execution, failedStep } from "./execution";

/** Lines of the log that go along: enough to see what happened before the end. */
const LAST_LINES = 20;

/** A run as plain text, for a ticket: what ran for whom, by whom, when, how it ended, and the last lines of its log. */
export function ticketText(execution: Execution, organization: string, link: string, log: readonly LogLine[]): string {
  const step = failedStep(execution);
  const error = [execution.error_type, execution.error_message].filter(Boolean).join(": ");
  const facts: [string, string | null | undefined | false][] = [
    [names.workflow, execution.workflow_name],
    [names.organization, organization],
    [names.status, shared.statuses[execution.status]],
    [names.startedBy, execution.executed_by_name],
    [names.form, execution.form_name],
    [names.started, formatExact(new Date(execution.started_at))],
    [names.ended, execution.completed_at && formatExact(new Date(execution.completed_at))],
    [names.took, typeof execution.duration_ms === "number" && formatDuration(execution.duration_ms)],
    [names.step, step?.name],
    [names.error, error],
    [names.run, execution.id],
    [names.link, link],
  ];
  const written = facts.filter(([, value]) => value).map(([name, value]) => `${name}: ${value}`);
  const last = log.slice(-LAST_LINES).map((line) => lineText(line).trimEnd());
  return [...written, ...(last.length > 0 ? ["", names.lastLines, ...last] : [])].join("\n");
}
