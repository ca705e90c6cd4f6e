import { inOrg, watchedFetch } from "@/shared/api/client";
import { problemFrom } from "@/shared/api/problem";

/** Ask for a part of a run as it is, whatever its size. */
export async function fetchPart(
  orgId: string,
  id: string,
  part: "logs" | "result",
  signal?: AbortSignal,
): Promise<Response> {
  const accept = part === "logs" ? "text/plain" : "application/json";
  const response = await watchedFetch(
    new Request(`${window.location.origin}/api/executions/${encodeURIComponent(id)}/${part}`, {
      headers: { ...inOrg(orgId).headers, Accept: accept },
      credentials: "same-origin",
      ...(signal && { signal }),
    }),
  );
  if (!response.ok) {
    throw problemFrom(response, await response.json().catch(() => undefined));
  }
  return response;
}

/** Save a part of a run as a file. */
export async function downloadPart(orgId: string, id: string, part: "logs" | "result"): Promise<void> {
  const response = await fetchPart(orgId, id, part);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = part === "logs" ? `${id}.log` : `${id}.json`;
  link.click();
  URL.revokeObjectURL(url);
}
