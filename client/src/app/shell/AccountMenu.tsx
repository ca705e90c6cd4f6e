import { Avatar, Menu, Text, UnstyledButton } from "@mantine/core";
import { IconKeyboard, IconLogout, IconPlayerPause, IconUser } from "@tabler/icons-react";
import { Link } from "react-router";
import { useMe } from "@/shared/me/me";
import { strings } from "@/strings/shell";
import { useOverlays } from "./overlays";
import { useAskedSignOut } from "./useAskedSignOut";

/** Who is signed in, and what concerns them. */
export function AccountMenu() {
  const { user, is_administrator } = useMe();
  const { show } = useOverlays();
  const signOut = useAskedSignOut();
  return (
    <Menu position="bottom-end" width={230} withinPortal={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <UnstyledButton aria-label={strings.accountOf(user.display_name)}>
          <Avatar name={user.display_name} color="indigo" variant="filled" size={30} radius="xl" aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label component="div">
          <Text size="sm" fw={600} c="var(--mantine-color-text)" truncate>
            {user.display_name}
          </Text>
          <Text size="xs" truncate>
            {user.email}
          </Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item component={Link} to="/account" leftSection={<IconUser size={16} aria-hidden />}>
          {strings.account}
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={() => show("help")}>
          {strings.shortcuts}
        </Menu.Item>
        {is_administrator && (
          <Menu.Item leftSection={<IconPlayerPause size={16} aria-hidden />} onClick={() => show("pause")}>
            {strings.emergencyStop}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={signOut}>
          {strings.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
