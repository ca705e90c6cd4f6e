import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { useRouteError } from "react-router";
import { strings as common } from "@/strings/shared";
import { strings } from "@/strings/shell";

/** In place of a page that broke. A part of an earlier build that is gone only needs the page loaded anew. */
export function RouteError() {
  const error = useRouteError();
  const outdated = error instanceof TypeError && /dynamically imported module|module script/i.test(error.message);
  return (
    <Stack p="lg" gap="sm" role="alert" maw="40rem">
      <Title order={1}>{outdated ? strings.newVersion : common.unexpected}</Title>
      <Text>{outdated ? strings.newVersionHint : common.unexpectedHint}</Text>
      <Group>
        <Button onClick={() => window.location.reload()}>{common.reload}</Button>
      </Group>
    </Stack>
  );
}
