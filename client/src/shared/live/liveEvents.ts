import type { EventSourceMessage } from "eventsource-parser";
import type { components } from "../../types/api";

type Schemas = components["schemas"];
export type LogLine = Schemas["LogLine"];
export type LogLevel = Schemas["LogLevel"];
export type LogPage = Schemas["LogPage"];
export type Progress = Schemas["Progress"];
export type Step = Schemas["StepView"];
export type ExecutionStatus = Schemas["ExecutionStatus"];

/** What following an execution tells, as it happens. */
export interface LiveNews {
  status?: ExecutionStatus;
  progress?: Progress;
  /** Steps that began or ended. */
  steps: Step[];
  /** Lines that were not told before, in order. */
  lines: LogLine[];
  /** The last event of a stream: there is no more to come. */
  ended: boolean;
}

/** What the events of a chunk say together. Lines up to `through` were told before; names that are new mean nothing yet. */
export function newsOf(events: EventSourceMessage[], through: number): LiveNews {
  const news: LiveNews = { steps: [], lines: [], ended: false };
  let last = through;
  for (const { event, data } of events) {
    switch (event) {
      case "log": {
        const line: LogLine = JSON.parse(data);
        if (line.seq > last) {
          last = line.seq;
          news.lines.push(line);
        }
        break;
      }
      case "status":
        news.status = statusIn(data);
        break;
      case "progress":
        news.progress = JSON.parse(data);
        break;
      case "step":
        news.steps.push(JSON.parse(data));
        break;
      case "end":
        news.status = statusIn(data);
        news.ended = true;
        break;
    }
  }
  return news;
}

function statusIn(data: string): ExecutionStatus {
  const { status }: { status: ExecutionStatus } = JSON.parse(data);
  return status;
}

/** Whether nothing can follow this status. */
export function isFinal(status: ExecutionStatus): boolean {
  return status !== "Pending" && status !== "Running";
}
