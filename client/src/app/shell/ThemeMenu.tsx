import { ActionIcon, Menu, useComputedColorScheme } from "@mantine/core";
import { IconCheck, IconMoon, IconSun } from "@tabler/icons-react";
import { themeChoices } from "@/shared/theme/choices";
import { useTheme } from "@/shared/theme/useTheme";
import { strings } from "@/strings/shell";

/** Light, dark, or as the system says. */
export function ThemeMenu() {
  const [theme, setTheme] = useTheme();
  const shown = useComputedColorScheme("light");
  const Glyph = shown === "dark" ? IconMoon : IconSun;
  return (
    <Menu position="bottom-end" width={190} withinPortal={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={34} aria-label={strings.theme} visibleFrom="xs">
          <Glyph size={18} stroke={1.7} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {themeChoices.map(({ value, label, icon: Icon }) => (
          <Menu.Item
            key={value}
            role="menuitemradio"
            aria-checked={theme === value}
            leftSection={<Icon size={16} aria-hidden />}
            rightSection={theme === value && <IconCheck size={16} aria-hidden />}
            onClick={() => setTheme(value)}
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
