import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, unwrap } from "@/shared/api/client";
import type { components } from "@/types/api";

/** Who is signed in, and what they may do where. */
export type Me = components["schemas"]["Me"];
/** An organization as the caller sees it. */
export type MyOrganization = components["schemas"]["MyOrganization"];
/** The rights in one organization. */
export type Permissions = Required<components["schemas"]["Permissions"]>;
/** Something an emergency stop holds. */
export type Pause = components["schemas"]["PauseView"];

/** Rights and pauses change while a page is open; this is how late it may notice. */
const REFRESH_MS = 20_000;

/** Who is signed in. Asked again in the background, because it carries what is paused. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => unwrap(api.GET("/api/me", { signal })),
  refetchInterval: REFRESH_MS,
});

/** Who is signed in. Only inside the shell, which shows its pages once this is known. */
export function useMe(): Me {
  const { data } = useQuery(meQuery);
  if (!data) {
    throw new Error("useMe() needs the shell around it.");
  }
  return data;
}
