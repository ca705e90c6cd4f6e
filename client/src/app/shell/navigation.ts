import { type Icon, IconAdjustments, IconHistory, IconHome, IconPlugConnected, IconRoute } from "@tabler/icons-react";
import type { Permissions } from "@/shared/me/me";
import { strings } from "@/strings/shell";

/** A page of the sidebar and of the palette. */
interface NavigationItem {
  /** Its path under the organization. */
  path: string;
  label: string;
  icon: Icon;
  /** The key after `g`. */
  key?: string;
  /** Any of these rights opens it; without, everybody may. */
  needs?: (keyof Permissions)[];
}

/** The pages of an organization, in the order of the sidebar. */
export const navigation: NavigationItem[] = [
  { path: "home", label: strings.home, icon: IconHome, key: "h" },
  {
    path: "workflows",
    label: strings.workflows,
    icon: IconRoute,
    key: "w",
    needs: ["execute_workflows", "manage_forms"],
  },
  {
    path: "executions",
    label: strings.executions,
    icon: IconHistory,
    key: "e",
    needs: ["execute_workflows", "view_history"],
  },
  { path: "config", label: strings.config, icon: IconAdjustments, key: "c", needs: ["manage_config"] },
  { path: "integrations", label: strings.integrations, icon: IconPlugConnected, needs: ["manage_config"] },
];

/** The pages that at least one right opens. */
export function pagesFor(permissions: Permissions): NavigationItem[] {
  return navigation.filter(({ needs }) => !needs || needs.some((right) => permissions[right]));
}
