import { AppShell, Drawer } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect } from "react";
import { Outlet, ScrollRestoration, useLocation } from "react-router";
import { meQuery } from "@/shared/me/me";
import { useReturnFromSignIn } from "@/shared/me/signedIn";
import { usePreferences, useSetPreferences } from "@/shared/preferences/preferences";
import { ErrorState } from "@/shared/states/ErrorState";
import { notifyInfo } from "@/shared/states/notify";
import { PageSkeleton } from "@/shared/states/Skeletons";
import { strings as common } from "@/strings/shared";
import { strings } from "@/strings/shell";
import { Banners } from "./Banners";
import { Header } from "./Header";
import { OverlaysProvider, useOverlays } from "./overlays";
import { Palette } from "./Palette";
import classes from "./Shell.module.css";
import { ShortcutHelp } from "./ShortcutHelp";
import { Sidebar } from "./Sidebar";
import { UnsavedGuard } from "./UnsavedGuard";
import { usePreferencesSync } from "./usePreferencesSync";
import { useRunWatcher } from "./useRunWatcher";
import { useShellShortcuts } from "./useShellShortcuts";

const PauseDialog = lazy(async () => ({ default: (await import("./PauseDialog")).PauseDialog }));

const HEADER_PX = 52;
const SIDEBAR_PX = 232;
const COLLAPSED_PX = 58;

/** The frame around every page of somebody who is signed in. */
export function Shell() {
  const me = useQuery(meQuery);
  if (me.data) {
    return (
      <OverlaysProvider>
        <SignedIn />
      </OverlaysProvider>
    );
  }
  return (
    <AppShell
      header={{ height: HEADER_PX }}
      navbar={{ width: SIDEBAR_PX, breakpoint: "sm", collapsed: { mobile: true } }}
    >
      <AppShell.Header />
      <AppShell.Navbar aria-label={strings.mainNavigation} />
      <AppShell.Main>
        {me.isError ? (
          <div className={classes.failed}>
            <h1 className={classes.brand}>{common.product}</h1>
            <ErrorState title={strings.meFailed} error={me.error} onRetry={() => void me.refetch()} />
          </div>
        ) : (
          <PageSkeleton />
        )}
      </AppShell.Main>
    </AppShell>
  );
}

function SignedIn() {
  const { sidebarCollapsed } = usePreferences();
  const setPreferences = useSetPreferences();
  const [drawerOpen, drawer] = useDisclosure();
  useReturnFromSignIn();
  usePreferencesSync();
  useShellShortcuts();
  useRunWatcher();
  useNotice();
  return (
    <AppShell
      header={{ height: HEADER_PX }}
      navbar={{ width: sidebarCollapsed ? COLLAPSED_PX : SIDEBAR_PX, breakpoint: "sm", collapsed: { mobile: true } }}
      transitionDuration={0}
    >
      <SkipLink />
      <AppShell.Header className={classes.header}>
        <Header drawerOpen={drawerOpen} onOpenDrawer={drawer.open} />
      </AppShell.Header>
      <AppShell.Navbar aria-label={strings.mainNavigation} visibleFrom="sm">
        <Sidebar
          collapsed={sidebarCollapsed}
          onToggle={() => setPreferences((now) => ({ sidebarCollapsed: !now.sidebarCollapsed }))}
        />
      </AppShell.Navbar>
      <Drawer opened={drawerOpen} onClose={drawer.close} size={280} title={common.product} hiddenFrom="sm">
        <nav aria-label={strings.mainNavigation}>
          <Sidebar onNavigate={drawer.close} />
        </nav>
      </Drawer>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        <Banners />
        <Outlet />
      </AppShell.Main>
      <ScrollRestoration />
      <UnsavedGuard />
      <Palette />
      <Over />
    </AppShell>
  );
}

function Over(): ReactNode {
  const { open, close } = useOverlays();
  if (open === "help") {
    return <ShortcutHelp onClose={close} />;
  }
  return open === "pause" ? (
    <Suspense>
      <PauseDialog onClose={close} />
    </Suspense>
  ) : null;
}

function SkipLink() {
  return (
    // biome-ignore lint/a11y/useValidAnchor: it leads to a place on the page
    <a
      href="#main"
      className={classes.skip}
      onClick={(event) => {
        // The address stays: a fragment would be a step in the history.
        event.preventDefault();
        document.getElementById("main")?.focus();
      }}
    >
      {strings.skip}
    </a>
  );
}

/** Says what a navigation brought along to say. */
function useNotice(): void {
  const { key, state } = useLocation();
  const notice: unknown = state?.notice;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once per navigation, even if it says the same again
  useEffect(() => {
    if (typeof notice === "string") {
      notifyInfo(notice);
    }
  }, [key]);
}
