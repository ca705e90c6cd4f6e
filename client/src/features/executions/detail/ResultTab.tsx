import { Alert, Button, Group, Stack } from "@mantine/core";
import { IconDownload, IconInfoCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { isFinal } from "@/shared/live/liveEvents";
import { useOrg } from "@/shared/org/org";
import { Empty } from "@/shared/states/Empty";
import { ErrorState } from "@/shared/states/ErrorState";
import { RowsSkeleton } from "@/shared/states/Skeletons";
import { RawText } from "@/shared/tree/JsonRaw";
import { JsonViewer } from "@/shared/tree/JsonViewer";
import { asJson, type Json } from "@/shared/tree/json";
import { strings } from "@/strings/execution";
import { fetchPart } from "./download";
import type { Execution } from "./execution";

/** What the run returned. */
export function ResultTab({ execution, onDownload }: { execution: Execution; onDownload: () => void }) {
  if (execution.result_url) {
    return <LargeResult execution={execution} onDownload={onDownload} />;
  }
  const value = asJson(execution.result);
  if (!isFinal(execution.status)) {
    return <Empty title={strings.noResultYet}>{strings.noResultYetHint}</Empty>;
  }
  if (value === null || value === undefined) {
    const isDone = execution.status === "Success";
    return <Empty title={strings.noResult}>{isDone ? strings.nothingReturned : strings.noResultHint}</Empty>;
  }
  return <JsonViewer value={value} label={strings.tabs.result} />;
}

/** Characters of a large result that are shown unasked. */
const PREVIEW_CHARACTERS = 64 * 1024;

/** The beginning of a result that is too large to come with the run; all of it on request. */
function LargeResult({ execution, onDownload }: { execution: Execution; onDownload: () => void }) {
  const org = useOrg();
  const [isWhole, setWhole] = useState(false);
  const key = ["orgs", org.id, "executions", "result", execution.id];
  const preview = useQuery({
    queryKey: [...key, "beginning"],
    queryFn: async ({ signal }) => beginningOf(await fetchPart(org.id, execution.id, "result", signal)),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const whole = useQuery({
    queryKey: [...key, "whole"],
    queryFn: async ({ signal }): Promise<Json> => (await fetchPart(org.id, execution.id, "result", signal)).json(),
    enabled: isWhole,
    staleTime: Number.POSITIVE_INFINITY,
    // Megabytes are not kept for long once nobody looks at them.
    gcTime: 10_000,
  });
  const error = whole.error ?? preview.error;
  if (whole.data !== undefined) {
    return <JsonViewer value={whole.data} label={strings.tabs.result} />;
  }
  return (
    <Stack gap="sm">
      <Alert color="blue" icon={<IconInfoCircle aria-hidden />}>
        <Stack gap="xs">
          {strings.largeResult}
          <Group gap="xs">
            <Button size="xs" leftSection={<IconDownload size={14} aria-hidden />} onClick={onDownload}>
              {strings.downloadResult}
            </Button>
            <Button size="xs" variant="default" loading={isWhole && whole.isFetching} onClick={() => setWhole(true)}>
              {strings.loadWhole}
            </Button>
          </Group>
        </Stack>
      </Alert>
      {error ? (
        <ErrorState
          title={strings.resultFailed}
          error={error}
          onRetry={() => void (whole.error ? whole : preview).refetch()}
        />
      ) : preview.data === undefined ? (
        <RowsSkeleton />
      ) : (
        <RawText text={`${preview.data}\u2026`} label={strings.preview} />
      )}
    </Stack>
  );
}

/** The first characters of an answer; the rest is not received. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (reader && text.length < PREVIEW_CHARACTERS) {
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    text += decoder.decode(value, { stream: true });
  }
  await reader?.cancel();
  return text.slice(0, PREVIEW_CHARACTERS);
}
