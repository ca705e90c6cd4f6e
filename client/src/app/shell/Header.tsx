import { ActionIcon, Burger, Group, Kbd, Text, UnstyledButton } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { Link } from "react-router";
import { strings as common } from "@/strings/shared";
import { strings } from "@/strings/shell";
import { AccountMenu } from "./AccountMenu";
import classes from "./Header.module.css";
import { OrgSwitcher } from "./OrgSwitcher";
import { openPalette } from "./paletteStore";
import { RunningNow } from "./RunningNow";
import { ThemeMenu } from "./ThemeMenu";

interface HeaderProps {
  drawerOpen: boolean;
  onOpenDrawer: () => void;
}

/** Which organization, the search, what runs now, theme and account. */
export function Header({ drawerOpen, onOpenDrawer }: HeaderProps) {
  return (
    <Group h="100%" px="sm" gap="xs" wrap="nowrap" className={classes.header}>
      <Burger
        opened={drawerOpen}
        onClick={onOpenDrawer}
        hiddenFrom="sm"
        size="sm"
        aria-label={strings.openNavigation}
        aria-expanded={drawerOpen}
      />
      <Link to="/" className={classes.brand}>
        <img src="/icon.svg" alt="" width={26} height={26} />
        <Text component="span" fw={650} visibleFrom="md">
          {common.product}
        </Text>
        <span className={classes.hidden}>{strings.startPage}</span>
      </Link>
      <OrgSwitcher />
      <Group gap={6} wrap="nowrap" ml="auto">
        <UnstyledButton className={classes.search} onClick={openPalette} visibleFrom="sm">
          <IconSearch size={16} aria-hidden />
          <span className={classes.searchLabel}>{strings.search}</span>
          <Kbd size="xs">Ctrl K</Kbd>
        </UnstyledButton>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={34}
          hiddenFrom="sm"
          onClick={openPalette}
          aria-label={strings.search}
        >
          <IconSearch size={18} aria-hidden />
        </ActionIcon>
        <RunningNow />
        <ThemeMenu />
        <AccountMenu />
      </Group>
    </Group>
  );
}
