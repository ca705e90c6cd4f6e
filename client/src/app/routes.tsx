import type { ComponentType } from "react";
import { createBrowserRouter, Navigate, type RouteObject } from "react-router";
import { PageSkeleton } from "@/shared/states/Skeletons";
import { OverPages } from "./Providers";
import { RouteError } from "./RouteError";
import { StartPage } from "./StartPage";
import { NotFound } from "./shell/NotFound";
import { OrgLayout } from "./shell/OrgLayout";
import { Shell } from "./shell/Shell";

/** A page in a chunk of its own. */
function page(load: () => Promise<{ default: ComponentType }>): Pick<RouteObject, "lazy"> {
  return { lazy: async () => ({ Component: (await load()).default }) };
}

/** Pages of an organization (`/o/:org/...`) or of all of them (`/o/all/...`). */
const orgPages: RouteObject[] = [
  { index: true, element: <Navigate to="home" replace /> },
  { path: "home", ...page(() => import("@/features/home/HomePage")) },
  { path: "workflows", ...page(() => import("@/features/workflows/list/WorkflowsPage")) },
  { path: "workflows/:name", ...page(() => import("@/features/workflows/detail/WorkflowPage")) },
  { path: "workflows/:name/run", ...page(() => import("@/features/workflows/run/RunPage")) },
  { path: "executions", ...page(() => import("@/features/executions/list/ExecutionsPage")) },
  { path: "executions/:id", ...page(() => import("@/features/executions/detail/ExecutionPage")) },
  { path: "config", ...page(() => import("@/features/config/ConfigPage")) },
  { path: "integrations", ...page(() => import("@/features/integrations/IntegrationsPage")) },
  { path: "integrations/:type", ...page(() => import("@/features/integrations/IntegrationPage")) },
  { path: "*", element: <NotFound /> },
];

/** Every address of the client. */
export const routes: RouteObject[] = [
  {
    element: <OverPages />,
    errorElement: <RouteError />,
    HydrateFallback: PageSkeleton,
    children: [
      { path: "/sign-in", ...page(() => import("@/features/sign-in/SignInPage")) },
      { path: "/signed-out", ...page(() => import("@/features/sign-in/SignedOutPage")) },
      {
        element: <Shell />,
        children: [
          {
            // Errors of pages are shown inside the shell.
            errorElement: <RouteError />,
            children: [
              { index: true, element: <StartPage /> },
              {
                path: "o/:org",
                element: <OrgLayout />,
                children: [{ errorElement: <RouteError />, children: orgPages }],
              },
              { path: "account", ...page(() => import("@/features/account/AccountPage")) },
              { path: "*", element: <NotFound /> },
            ],
          },
        ],
      },
    ],
  },
];

/** The router of the browser's address bar. */
export function makeRouter() {
  return createBrowserRouter(routes);
}
