import { queryOptions } from "@tanstack/react-query";
import { api, inOrg, unwrap } from "@/shared/api/client";
import type { components } from "@/types/api";

/** A workflow an author registered. */
export type Workflow = components["schemas"]["Workflow"];

/** Why a file of the workspace could not be used, or what about it is probably not meant. */
export type FileError = components["schemas"]["FileError"];

/** Workflows change when their author saves a file or publishes a bundle, not while one looks. */
const staleAfterMs = 30_000;

/** What the loaded bundle offers to an organization. */
export function metadataQuery(orgId: string) {
  return queryOptions({
    queryKey: ["orgs", orgId, "metadata"],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/metadata", { ...inOrg(orgId), signal })),
    staleTime: staleAfterMs,
  });
}
