import { useNavigate } from "react-router";
import { orgPath } from "@/shared/org/org";
import { usePreferences } from "@/shared/preferences/preferences";
import { useShortcut, useShortcutListener } from "@/shared/shortcuts/shortcuts";
import { navigation, pagesFor } from "./navigation";
import { useOverlays } from "./overlays";
import { openPalette } from "./paletteStore";
import { useShellOrg } from "./useShellOrg";

/** The keys that work on every page. */
export function useShellShortcuts(): void {
  const { shortcuts } = usePreferences();
  const { show } = useOverlays();
  useShortcutListener(shortcuts);
  useShortcut("?", () => show("help"));
  useShortcut("/", focusFilter);
  useGoTo("h");
  useGoTo("w");
  useGoTo("e");
  useGoTo("c");
}

/** `g` and a letter leads to a page, if the rights in the organization open it. */
function useGoTo(key: string): void {
  const org = useShellOrg();
  const navigate = useNavigate();
  const page = navigation.find((item) => item.key === key);
  const opens = page !== undefined && pagesFor(org.permissions).includes(page);
  useShortcut(`g ${key}`, () => void navigate(orgPath(org.id, page?.path ?? "home")), opens);
}

/** The page's own filter: a search field, or what it marks with `data-filter`. Without one, the search of everything. */
function focusFilter(): void {
  const filter = document.querySelector<HTMLElement>("main [data-filter], main [type='search']");
  if (filter) {
    filter.focus();
  } else {
    openPalette();
  }
}
