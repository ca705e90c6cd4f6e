import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, unwrap, unwrapWithResponse } from "@/shared/api/client";
import { Problem } from "@/shared/api/problem";
import type { components } from "@/types/api";

/** An integration the platform brings. */
export type IntegrationType = components["schemas"]["IntegrationTypeView"];
/** The settings of an integration in one organization, without its credential. */
export type Integration = components["schemas"]["IntegrationView"];
/** What came of asking the service. */
export type Check = components["schemas"]["IntegrationCheckView"];

/** Settings with the version a change is meant for; nothing while it is not set up. */
export interface Versioned {
  integration: Integration | undefined;
  etag: string | undefined;
}

/** What the platform brings changes only with the server. */
export const integrationTypesQuery = queryOptions({
  queryKey: ["integration-types"],
  queryFn: ({ signal }) => unwrap(api.GET("/api/integration-types", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The integrations an organization has settings for. */
export function integrationsQuery(orgId: string) {
  return queryOptions({
    queryKey: ["orgs", orgId, "integrations"],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/organizations/{org}/integrations", { params: { path: { org: orgId } }, signal })),
  });
}

/** One integration of an organization, to be changed. */
export function integrationQuery(orgId: string, type: string) {
  return queryOptions({
    queryKey: ["orgs", orgId, "integrations", type],
    queryFn: async ({ signal }): Promise<Versioned> => {
      const path = { org: orgId, type };
      try {
        const { data, response } = await unwrapWithResponse(
          api.GET("/api/organizations/{org}/integrations/{type}", { params: { path }, signal }),
        );
        return { integration: data, etag: response.headers.get("ETag") ?? undefined };
      } catch (error) {
        if (error instanceof Problem && error.slug === "not-found") {
          return { integration: undefined, etag: undefined };
        }
        throw error;
      }
    },
    // What is being edited must not change under the hands of the person.
    refetchOnWindowFocus: false,
  });
}

interface Change {
  enabled: boolean;
  settings: Record<string, unknown>;
  etag: string | undefined;
}

/** Sets up or changes an integration of an organization. */
export function usePutIntegration(orgId: string, type: string) {
  return useMutation({
    mutationFn: ({ enabled, settings, etag }: Change) =>
      unwrap(
        api.PUT("/api/organizations/{org}/integrations/{type}", {
          params: { path: { org: orgId, type }, header: etag ? { "If-Match": etag } : {} },
          body: { enabled, settings },
        }),
      ),
    onSuccess: useForgetIntegrations(orgId),
    // A credential goes to the server and stays nowhere else.
    gcTime: 0,
  });
}

/** Removes an integration's settings and credential. */
export function useDeleteIntegration(orgId: string, type: string) {
  return useMutation({
    mutationFn: () =>
      unwrap(api.DELETE("/api/organizations/{org}/integrations/{type}", { params: { path: { org: orgId, type } } })),
    onSuccess: useForgetIntegrations(orgId),
  });
}

/** Asks the service whether the stored settings work. */
export function useTestIntegration(orgId: string, type: string) {
  return useMutation({
    mutationFn: () =>
      unwrap(api.POST("/api/organizations/{org}/integrations/{type}/test", { params: { path: { org: orgId, type } } })),
    onSuccess: useForgetIntegrations(orgId),
  });
}

function useForgetIntegrations(orgId: string) {
  const queryClient = useQueryClient();
  return () => queryClient.invalidateQueries({ queryKey: integrationsQuery(orgId).queryKey });
}
