import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/shared/api/client";
import type { components } from "@/types/api";

/** A workflow an author registered. */
export type Workflow = components["schemas"]["Workflow"];

/** What the served bundle offers. It is the same for every organization, so the key names none. */
export const metadataQuery = queryOptions({
  queryKey: ["metadata"],
  queryFn: ({ signal }) => unwrap(api.GET("/admin/metadata", { signal })),
  staleTime: 30_000,
});
