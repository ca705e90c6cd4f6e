import { ActionIcon, Menu, Text } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "react-router";

/** Something that can be done with a row. */
export interface RowAction {
  label: string;
  icon?: ReactNode;
  isDangerous?: boolean;
  /** Why it cannot be done now; shown below its name. */
  disabledReason?: string | undefined;
  /** What it does: go somewhere, or something else. */
  to?: string;
  onSelect?: () => void;
}

/** The one button of a row that opens everything that can be done with it. */
export function RowMenu({ label, actions }: { label: string; actions: RowAction[] }) {
  if (actions.length === 0) {
    return null;
  }
  return (
    <Menu
      position="bottom-end"
      shadow="md"
      // Inside the page's landmark, and still above the edges of the table.
      withinPortal={false}
      floatingStrategy="fixed"
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={label}>
          <IconDots size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {actions.map((action) => (
          <RowMenuItem key={action.label} {...action} />
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function RowMenuItem({ label, icon, isDangerous, disabledReason, to, onSelect }: RowAction) {
  const look = { leftSection: icon, ...(isDangerous ? { color: "red" } : {}) };
  if (disabledReason) {
    return (
      <Menu.Item {...look} disabled>
        {label}
        <Text size="xs">{disabledReason}</Text>
      </Menu.Item>
    );
  }
  if (to) {
    return (
      <Menu.Item {...look} component={Link} to={to}>
        {label}
      </Menu.Item>
    );
  }
  return (
    <Menu.Item {...look} onClick={onSelect}>
      {label}
    </Menu.Item>
  );
}
