import { type Preferences, usePreferences, useSetPreferences } from "@/shared/preferences/preferences";

/** The theme the person chose, and how to choose another one. The shell shows it. */
export function useTheme(): [Preferences["theme"], (theme: Preferences["theme"]) => void] {
  const { theme } = usePreferences();
  const setPreferences = useSetPreferences();
  return [theme, (chosen) => setPreferences(() => ({ theme: chosen }))];
}
