import { Anchor, Group, Paper, Title } from "@mantine/core";
import clsx from "clsx";
import { type ReactNode, useId } from "react";
import { Link } from "react-router";
import classes from "./Home.module.css";

interface PanelProps {
  /** Where it stands on the page. */
  place: "runs" | "failures" | "workflows";
  title: string;
  /** Where there is more. */
  more: { label: string; to: string };
  children: ReactNode;
}

/** A part of the start page, with the way to all of it. */
export function Panel({ place, title, more, children }: PanelProps) {
  const id = useId();
  return (
    <Paper component="section" withBorder aria-labelledby={id} className={clsx(classes.panel, classes[place])}>
      <Group justify="space-between" px="md" py="xs" className={classes.panelHead}>
        <Title order={2} id={id}>
          {title}
        </Title>
        <Anchor component={Link} to={more.to} size="sm">
          {more.label}
        </Anchor>
      </Group>
      {children}
    </Paper>
  );
}
