import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/shared/api/client";
import type { components } from "@/types/api";
import type { ConfigScope } from "./scope";

/** A secret's name. Its value only ever goes in. */
export type SecretName = components["schemas"]["SecretView"];

/** Fewest characters of a secret: shorter ones could not be masked in logs. */
export const minSecretLength = 8;

/** The names of the secrets that workflows find in the scope. */
export function secretsQuery({ orgId }: ConfigScope) {
  return queryOptions({
    queryKey: orgId ? ["orgs", orgId, "secrets"] : ["global", "secrets"],
    queryFn: ({ signal }) =>
      orgId
        ? unwrap(api.GET("/api/organizations/{org}/secrets", { params: { path: { org: orgId } }, signal }))
        : unwrap(api.GET("/api/global/secrets", { signal })),
  });
}

/** Stores a secret in the scope, or replaces it. */
export function useSetSecret(scope: ConfigScope) {
  return useMutation({
    mutationFn: ({ name, value }: { name: string; value: string }) =>
      scope.orgId
        ? unwrap(
            api.PUT("/api/organizations/{org}/secrets/{name}", {
              params: { path: { org: scope.orgId, name } },
              body: { value },
            }),
          )
        : unwrap(api.PUT("/api/global/secrets/{name}", { params: { path: { name } }, body: { value } })),
    onSuccess: useForgetSecrets(),
    // The value goes to the server and stays nowhere else.
    gcTime: 0,
  });
}

/** Removes a secret of the scope. */
export function useDeleteSecret(scope: ConfigScope) {
  return useMutation({
    mutationFn: (name: string) =>
      scope.orgId
        ? unwrap(
            api.DELETE("/api/organizations/{org}/secrets/{name}", { params: { path: { org: scope.orgId, name } } }),
          )
        : unwrap(api.DELETE("/api/global/secrets/{name}", { params: { path: { name } } })),
    onSuccess: useForgetSecrets(),
  });
}

function useForgetSecrets() {
  const queryClient = useQueryClient();
  return () => queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes("secrets") });
}
