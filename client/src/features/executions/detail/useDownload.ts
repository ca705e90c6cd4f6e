import { useCallback } from "react";
import { notifyProblem } from "@/shared/states/notify";
import { strings } from "@/strings/execution";
import { downloadPart } from "./download";

/** Saves a part of the run as a file; says so if it fails. */
export function useDownload(orgId: string, id: string): (part: "logs" | "result") => void {
  return useCallback(
    (part) => {
      downloadPart(orgId, id, part).catch((error: unknown) => notifyProblem(strings.downloadFailed, error));
    },
    [orgId, id],
  );
}
