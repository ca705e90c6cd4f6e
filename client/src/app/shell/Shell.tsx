import { AppShell, Burger, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Outlet, ScrollRestoration } from "react-router";
import { meQuery } from "@/shared/me/me";
import { ErrorState } from "@/shared/states/ErrorState";
import { PageSkeleton } from "@/shared/states/Skeletons";
import { strings as common } from "@/strings/shared";
import { strings } from "@/strings/shell";
import classes from "./Shell.module.css";
import { Sidebar } from "./Sidebar";

/** The frame around every page of somebody who is signed in. */
export function Shell() {
  const me = useQuery(meQuery);
  const [drawerOpen, drawer] = useDisclosure();
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 232, breakpoint: "sm", collapsed: { mobile: !drawerOpen } }}
      transitionDuration={0}
    >
      <a href="#main" className={classes.skip}>
        {strings.skip}
      </a>
      <AppShell.Header className={classes.header}>
        <Group h="100%" px="md" gap="sm">
          <Burger
            opened={drawerOpen}
            onClick={drawer.toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label={drawerOpen ? strings.closeNavigation : strings.openNavigation}
          />
          <Text fw={650}>{common.product}</Text>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar component="div">{me.data && <Sidebar onNavigate={drawer.close} />}</AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        {me.data ? <Outlet /> : me.isError ? <MeFailed error={me.error} retry={me.refetch} /> : <PageSkeleton />}
      </AppShell.Main>
      <ScrollRestoration />
    </AppShell>
  );
}

function MeFailed({ error, retry }: { error: Error; retry: () => unknown }) {
  return (
    <div className={classes.failed}>
      <ErrorState title={strings.meFailed} error={error} onRetry={() => void retry()} />
    </div>
  );
}
