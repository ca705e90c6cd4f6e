import { IconDeviceDesktop, IconMoon, IconSun } from "@tabler/icons-react";
import { strings } from "@/strings/shared";

/** The themes to choose from. */
export const themeChoices = [
  { value: "light", label: strings.themeLight, icon: IconSun },
  { value: "dark", label: strings.themeDark, icon: IconMoon },
  { value: "system", label: strings.themeAuto, icon: IconDeviceDesktop },
] as const;
