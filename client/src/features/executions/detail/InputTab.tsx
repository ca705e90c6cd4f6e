import { Empty } from "@/shared/states/Empty";
import { JsonViewer } from "@/shared/tree/JsonViewer";
import { asJson } from "@/shared/tree/json";
import { strings } from "@/strings/execution";
import type { Execution } from "./execution";

/** What the run was given. */
export function InputTab({ execution }: { execution: Execution }) {
  const input = asJson(execution.input);
  if (input === null || input === undefined) {
    return <Empty title={strings.largeInput}>{strings.largeInputHint}</Empty>;
  }
  if (typeof input === "object" && Object.keys(input).length === 0) {
    return <Empty title={strings.noInput}>{strings.noInputHint}</Empty>;
  }
  return <JsonViewer value={input} label={strings.tabs.input} />;
}
