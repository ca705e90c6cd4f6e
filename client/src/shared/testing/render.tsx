import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { type Me, meQuery, type Permissions } from "@/shared/me/me";

/** Every right. */
export const ALL_RIGHTS: Permissions = {
  execute_workflows: true,
  manage_config: true,
  manage_forms: true,
  view_history: true,
};

/** Two organizations that tests know by name. */
export const CONTOSO = { id: "11111111-1111-4111-8111-111111111111", name: "Contoso" };
export const FABRIKAM = { id: "22222222-2222-4222-8222-222222222222", name: "Fabrikam" };

/** Somebody who is signed in, with every right in two organizations unless said otherwise. */
export function someone(changes: Partial<Me> = {}): Me {
  return {
    user: { id: "99999999-9999-4999-8999-999999999999", email: "ada@example.com", display_name: "Ada" },
    is_administrator: false,
    is_auditor: false,
    signed_in_with: "session",
    organizations: [CONTOSO, FABRIKAM].map((org) => ({ ...org, is_active: true, permissions: ALL_RIGHTS })),
    pauses: [],
    ...changes,
  };
}

interface RenderOptions {
  /** The address. */
  at?: string;
  /** The route the element is shown at. */
  path?: string;
  me?: Me;
}

/**
 * Renders an element as a page inside providers, signed in, at an address of Contoso. Answers the router, to look at
 * the address, and the query client.
 */
export function renderPage(
  element: ReactNode,
  { at = `/o/${CONTOSO.id}/here`, path = "/o/:org/*", me = someone() }: RenderOptions = {},
) {
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  queryClient.setQueryData(meQuery.queryKey, me);
  const router = createMemoryRouter(
    [
      { path, element },
      { path: "*", element: <p>elsewhere</p> },
    ],
    { initialEntries: [at] },
  );
  const view = render(
    <MantineProvider env="test" forceColorScheme="light">
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...view, router, queryClient };
}
