import { Button, Group } from "@mantine/core";
import { IconArrowUp, IconRefresh } from "@tabler/icons-react";
import { strings } from "@/strings/executions";

interface NewRunsProps {
  count: number;
  hasChanged: boolean;
  onShow: () => void;
}

/** Offers what has happened since the rows were shown. They stay where they are until it is taken. */
export function NewRuns({ count, hasChanged, onShow }: NewRunsProps) {
  return (
    <Group justify="center" role="status">
      {count > 0 ? (
        <Button
          size="compact-sm"
          radius="xl"
          mb="xs"
          leftSection={<IconArrowUp size={14} aria-hidden />}
          onClick={onShow}
        >
          {strings.newRuns(count)}
        </Button>
      ) : null}
      {count === 0 && hasChanged ? (
        <Button
          size="compact-sm"
          radius="xl"
          mb="xs"
          variant="light"
          leftSection={<IconRefresh size={14} aria-hidden />}
          onClick={onShow}
        >
          {strings.changedRuns}
        </Button>
      ) : null}
    </Group>
  );
}
