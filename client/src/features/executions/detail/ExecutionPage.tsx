import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { Problem } from "@/shared/api/problem";
import { useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { Denied } from "@/shared/states/Denied";
import { ErrorState } from "@/shared/states/ErrorState";
import { PageSkeleton } from "@/shared/states/Skeletons";
import { strings } from "@/strings/execution";
import { ExecutionView } from "./ExecutionView";
import { executionQuery } from "./execution";
import { NotHere } from "./NotHere";

/** One run: as it happens, and afterwards. */
export default function ExecutionPage() {
  const org = useOrg();
  const { id = "" } = useParams();
  const { data, error, refetch } = useQuery(executionQuery(org.id, id));
  if (data && !isRefusal(error)) {
    // Another run is another page: nothing of the one before may stay.
    return <ExecutionView key={`${org.id} ${id}`} execution={data} />;
  }
  if (!error) {
    return <PageSkeleton />;
  }
  return (
    <Page title={strings.pageTitle}>
      <Refused error={error} onRetry={() => void refetch()} id={id} />
    </Page>
  );
}

/** Whether the caller may not see the run any more: then nothing of it stays on the screen. */
function isRefusal(error: Error | null): boolean {
  return error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429;
}

function Refused({ error, onRetry, id }: { error: Error; onRetry: () => void; id: string }) {
  const status = error instanceof Problem ? error.status : undefined;
  if (status === 404 || status === 400) {
    return <NotHere id={id} />;
  }
  if (status === 403) {
    const isOwn = error instanceof Problem && error.body.permission === "execute_workflows";
    return <Denied right={isOwn ? "execute_workflows" : "view_history"} />;
  }
  return <ErrorState title={strings.loadFailed} error={error} onRetry={onRetry} />;
}
