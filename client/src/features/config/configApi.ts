import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, unwrap, unwrapWithResponse } from "@/shared/api/client";
import type { components } from "@/types/api";
import type { ConfigScope } from "./scope";

/** A config value and where it came from. */
export type ConfigEntry = components["schemas"]["ConfigView"];
/** How a value is read. */
export type ConfigType = components["schemas"]["ConfigType"];

/** A config value with the version a change is meant for; inherited ones have none here. */
export interface VersionedEntry {
  entry: ConfigEntry;
  etag: string | undefined;
}

const keyOf = ({ orgId }: ConfigScope) => (orgId ? ["orgs", orgId, "config"] : ["global", "config"]);

/** Every value that holds in the scope. */
export function configQuery(scope: ConfigScope) {
  const { orgId } = scope;
  return queryOptions({
    queryKey: [...keyOf(scope), "list"],
    queryFn: ({ signal }) =>
      orgId
        ? unwrap(api.GET("/api/organizations/{org}/config", { params: { path: { org: orgId } }, signal }))
        : unwrap(api.GET("/api/global/config", { signal })),
  });
}

/** One value as it is right now, to be changed. */
export function configEntryQuery(scope: ConfigScope, key: string) {
  return queryOptions({
    queryKey: [...keyOf(scope), "entry", key],
    queryFn: ({ signal }) => readEntry(scope, key, signal),
    // What is being edited must not change under the hands of the person: the version on record decides when saving.
    staleTime: "static",
    gcTime: 0,
  });
}

async function readEntry({ orgId }: ConfigScope, key: string, signal?: AbortSignal): Promise<VersionedEntry> {
  const { data, response } = orgId
    ? await unwrapWithResponse(
        api.GET("/api/organizations/{org}/config/{key}", {
          params: { path: { org: orgId, key } },
          ...abortedBy(signal),
        }),
      )
    : await unwrapWithResponse(
        api.GET("/api/global/config/{key}", { params: { path: { key } }, ...abortedBy(signal) }),
      );
  return { entry: data, etag: response.headers.get("ETag") ?? undefined };
}

function abortedBy(signal: AbortSignal | undefined) {
  return signal ? { signal } : {};
}

interface Change {
  key: string;
  body: components["schemas"]["SetConfig"];
  /** The version the change is meant for. */
  etag: string | undefined;
}

/** Sets a value in the scope. */
export function useSetConfig(scope: ConfigScope) {
  return useMutation({
    mutationFn: ({ key, body, etag }: Change) => {
      const header = etag ? { "If-Match": etag } : {};
      return scope.orgId
        ? unwrap(
            api.PUT("/api/organizations/{org}/config/{key}", {
              params: { path: { org: scope.orgId, key }, header },
              body,
            }),
          )
        : unwrap(api.PUT("/api/global/config/{key}", { params: { path: { key }, header }, body }));
    },
    onSuccess: useForgetConfig(),
  });
}

/** Removes a value of the scope. */
export function useDeleteConfig(scope: ConfigScope) {
  return useMutation({
    mutationFn: (key: string) =>
      scope.orgId
        ? unwrap(api.DELETE("/api/organizations/{org}/config/{key}", { params: { path: { org: scope.orgId, key } } }))
        : unwrap(api.DELETE("/api/global/config/{key}", { params: { path: { key } } })),
    onSuccess: useForgetConfig(),
  });
}

/** A global value holds in every organization, so a change makes all lists old. */
function useForgetConfig() {
  const queryClient = useQueryClient();
  return () =>
    queryClient.invalidateQueries({
      predicate: ({ queryKey }) => queryKey.includes("config") && queryKey.includes("list"),
    });
}
