import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/shared/api/client";

/** How people sign in here. Asked each time: whoever runs the server may have changed it. */
export const clientConfigQuery = queryOptions({
  queryKey: ["client-config"],
  queryFn: ({ signal }) => unwrap(api.GET("/config.json", { signal })),
  staleTime: 0,
});
