import type { LogLine } from "@/shared/live/liveEvents";
import { lineText } from "@/shared/live/logView";
import { formatDuration, formatExact } from "@/shared/time/format";
import { strings as shared } from "@/strings/shared";
import { type Execution, failedStep } from "./execution";

/** Lines of the log that go along: enough to see what happened before the end. */
const LAST_LINES = 20;

/** A run as plain text, for a ticket: what ran for whom, by whom, when, how it ended, and the last lines of its log. */
export function ticketText(execution: Execution, organization: string, link: string, log: readonly LogLine[]): string {
  const step = failedStep(execution);
  const error = [execution.error_type, execution.error_message].filter(Boolean).join(": ");
  const facts: [string, string | null | undefined | false][] = [
    ["Workflow", execution.workflow_name],
    ["Organization", organization],
    ["Status", shared.statuses[execution.status]],
    ["Started by", execution.executed_by_name],
    ["Form", execution.form_name],
    ["Started", formatExact(new Date(execution.started_at))],
    ["Ended", execution.completed_at && formatExact(new Date(execution.completed_at))],
    ["Took", typeof execution.duration_ms === "number" && formatDuration(execution.duration_ms)],
    ["Step", step?.name],
    ["Error", error],
    ["Run", execution.id],
    ["Link", link],
  ];
  const written = facts.filter(([, value]) => value).map(([name, value]) => `${name}: ${value}`);
  const last = log.slice(-LAST_LINES).map((line) => lineText(line).trimEnd());
  return [...written, ...(last.length > 0 ? ["", "Last lines of the log:", ...last] : [])].join("\n");
}
