import { ActionIcon, Button, Checkbox, Group, Popover, Stack } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconColumns3 } from "@tabler/icons-react";
import type { TablePreferences } from "@/shared/preferences/preferences";
import { strings } from "@/strings/table";
import { allColumns, type Column, moved, shownColumns } from "./columns";

interface ColumnsMenuProps<Row> {
  columns: Column<Row>[];
  saved: TablePreferences;
  onChange: (saved: TablePreferences) => void;
}

/** Which columns are shown, and in which order. */
export function ColumnsMenu<Row>({ columns, saved, onChange }: ColumnsMenuProps<Row>) {
  const shown = shownColumns(columns, saved).map(({ id }) => id);
  const setShown = (ids: string[]) => onChange({ ...saved, columns: ids });
  const toggle = (id: string) => setShown(shown.includes(id) ? shown.filter((one) => one !== id) : [...shown, id]);

  return (
    <Popover withinPortal={false} position="bottom-end" trapFocus returnFocus shadow="md">
      <Popover.Target>
        <Button size="xs" variant="default" leftSection={<IconColumns3 size={14} aria-hidden />}>
          {strings.columns}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={strings.columns}>
        <Stack gap={4}>
          {allColumns(columns, saved).map((column) => (
            <Group key={column.id} justify="space-between" wrap="nowrap" gap="lg">
              <Checkbox
                size="xs"
                label={column.title}
                checked={shown.includes(column.id)}
                disabled={column.isMain === true}
                onChange={() => toggle(column.id)}
              />
              <ActionIcon.Group>
                <ActionIcon
                  size="sm"
                  variant="default"
                  aria-label={strings.moveUp(column.title)}
                  disabled={shown.indexOf(column.id) < 1}
                  onClick={() => setShown(moved(shown, column.id, -1))}
                >
                  <IconArrowUp size={12} aria-hidden />
                </ActionIcon>
                <ActionIcon
                  size="sm"
                  variant="default"
                  aria-label={strings.moveDown(column.title)}
                  disabled={!shown.includes(column.id) || shown.at(-1) === column.id}
                  onClick={() => setShown(moved(shown, column.id, 1))}
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
            onClick={() => onChange(saved.page_size ? { page_size: saved.page_size } : {})}
          >
            {strings.resetColumns}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
