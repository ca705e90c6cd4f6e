import { useMantineColorScheme } from "@mantine/core";
import { useEffect } from "react";
import { useMe } from "@/shared/me/me";
import { usePreferences } from "@/shared/preferences/preferences";
import { syncPreferences } from "@/shared/preferences/sync";

/** Keeps the preferences of whoever is signed in the same everywhere, and shows the theme they chose. */
export function usePreferencesSync(): void {
  const { user } = useMe();
  const { theme } = usePreferences();
  const { setColorScheme } = useMantineColorScheme();
  useEffect(() => syncPreferences(user.id), [user.id]);
  const scheme = theme === "system" ? "auto" : theme;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when the choice changes
  useEffect(() => setColorScheme(scheme), [scheme]);
}
