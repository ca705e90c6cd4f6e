import { MantineProvider } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { Notifications } from "@mantine/notifications";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Outlet } from "react-router";
import { colorSchemeManager } from "./theme/colorScheme";
import { theme } from "./theme/theme";

/** What everything stands in: theme and server state. */
export function Providers({ queryClient, children }: { queryClient: QueryClient; children: ReactNode }) {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={colorSchemeManager}>
      <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
    </MantineProvider>
  );
}

/** Dialogs and notifications over every page. Inside the router, because they contain links. */
export function OverPages() {
  return (
    <ModalsProvider>
      <Notifications position="bottom-right" />
      <Outlet />
    </ModalsProvider>
  );
}
