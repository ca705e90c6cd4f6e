import { Group, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { useLocation } from "react-router";
import classes from "./Page.module.css";
import { useTitle } from "./useTitle";

interface PageProps {
  /** The first part of the title of the browser tab. */
  title: string;
  /** The heading, if it says more than the title. */
  h1?: ReactNode;
  /** A line under the heading. */
  description?: ReactNode;
  /** Buttons beside the heading. */
  actions?: ReactNode;
  children: ReactNode;
}

/** The path the last heading was focused for; `null` until the first page is there, which takes no focus. */
let focusedFor: string | null = null;

/**
 * The frame of every page: names the tab, holds the only `h1`, and moves the focus to it after navigation, so that
 * screen readers say where they are.
 */
export function Page({ title, h1, description, actions, children }: PageProps) {
  useTitle(title);
  const heading = useRef<HTMLHeadingElement>(null);
  const { pathname } = useLocation();
  useEffect(() => {
    if (focusedFor !== null && focusedFor !== pathname) {
      heading.current?.focus({ preventScroll: true });
    }
    focusedFor = pathname;
  }, [pathname]);
  return (
    <Stack gap="md" className={classes.page}>
      <Group justify="space-between" align="flex-start" gap="sm">
        <div className={classes.heading}>
          <Title order={1} ref={heading} tabIndex={-1} className={classes.h1}>
            {h1 ?? title}
          </Title>
          {description && (
            <Text c="dimmed" size="sm" component="div">
              {description}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}
