import { Stack, Text, ThemeIcon } from "@mantine/core";
import { type Icon, IconInbox } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface EmptyProps {
  /** Why there is nothing: "No runs yet", "No run matches these filters". */
  title: string;
  /** What to do next. */
  children?: ReactNode;
  icon?: Icon;
}

/** Nothing to show, why, and the next step. Say "nothing yet" and "nothing matches" apart. */
export function Empty({ title, children, icon: Glyph = IconInbox }: EmptyProps) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center">
      <ThemeIcon variant="light" color="gray" size={44} radius="xl">
        <Glyph size={22} aria-hidden />
      </ThemeIcon>
      <Text fw={600}>{title}</Text>
      {children && (
        <Text size="sm" c="dimmed" component="div" maw="34rem">
          {children}
        </Text>
      )}
    </Stack>
  );
}
