import { ActionIcon, Button, Checkbox, Group, Popover, Stack } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconColumns3 } from "@tabler/icons-react";
import type { TablePreferences } from "@/shared/preferences/preferences";
import { strings } from "@/strings/table";
import { type Column, inOrder, isVisible, moved } from "./columns";

interface ColumnsMenuProps<Row> {
  columns: Column<Row>[];
  saved: TablePreferences;
  onChange: (saved: TablePreferences) => void;
}

/** Which columns are shown, and in which order. */
export function ColumnsMenu<Row>({ columns, saved, onChange }: ColumnsMenuProps<Row>) {
  const ordered = inOrder(columns, saved);
  const move = (id: string, by: -1 | 1) => onChange({ ...saved, order: moved(ordered, id, by) });
  const show = (id: string, visible: boolean) => onChange({ ...saved, visible: { ...saved.visible, [id]: visible } });

  return (
    <Popover withinPortal={false} position="bottom-end" trapFocus returnFocus shadow="md">
      <Popover.Target>
        <Button size="xs" variant="default" leftSection={<IconColumns3 size={14} aria-hidden />}>
          {strings.columns}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={strings.columns}>
        <Stack gap={4}>
          {ordered.map((column, index) => (
            <Group key={column.id} justify="space-between" wrap="nowrap" gap="lg">
              <Checkbox
                size="xs"
                label={column.title}
                checked={isVisible(column, saved)}
                disabled={column.isMain === true}
                onChange={(event) => show(column.id, event.currentTarget.checked)}
              />
              <ActionIcon.Group>
                <ActionIcon
                  size="sm"
                  variant="default"
                  aria-label={strings.moveUp(column.title)}
                  disabled={index === 0}
                  onClick={() => move(column.id, -1)}
                >
                  <IconArrowUp size={12} aria-hidden />
                </ActionIcon>
                <ActionIcon
                  size="sm"
                  variant="default"
                  aria-label={strings.moveDown(column.title)}
                  disabled={index === ordered.length - 1}
                  onClick={() => move(column.id, 1)}
                >
                  <IconArrowDown size={12} aria-hidden />
                </ActionIcon>
              </ActionIcon.Group>
            </Group>
          ))}
          <Button
            size="compact-xs"
            variant="subtle"
            mt="xs"
            onClick={() => onChange(saved.size ? { size: saved.size } : {})}
          >
            {strings.resetColumns}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
