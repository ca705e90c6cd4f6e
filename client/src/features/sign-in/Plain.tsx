import { Center, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import { strings } from "@/strings/shared";

/** A page without the shell, for those who are not signed in. */
export function Plain({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} - ${strings.product}`;
  }, [title]);
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder shadow="sm" p="xl" w="100%" maw="28rem">
        <Stack gap="md">
          <Group gap="xs">
            <img src="/icon.svg" alt="" width={28} height={28} />
            <Text fw={650}>{strings.product}</Text>
          </Group>
          <Title order={1}>{title}</Title>
          {children}
        </Stack>
      </Paper>
    </Center>
  );
}
