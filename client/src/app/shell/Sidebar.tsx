import { ActionIcon, NavLink, Tooltip } from "@mantine/core";
import { IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand } from "@tabler/icons-react";
import { NavLink as RouterNavLink } from "react-router";
import { orgPath } from "@/shared/org/org";
import { strings } from "@/strings/shell";
import { pagesFor } from "./navigation";
import classes from "./Sidebar.module.css";
import { useShellOrg } from "./useShellOrg";

interface SidebarProps {
  /** Icons only. */
  collapsed?: boolean;
  /** Offers to collapse and expand. */
  onToggle?: () => void;
  onNavigate?: () => void;
}

/** The pages of the organization that at least one of the caller's rights opens. */
export function Sidebar({ collapsed = false, onToggle, onNavigate }: SidebarProps) {
  const org = useShellOrg();
  const toggleLabel = collapsed ? strings.expand : strings.collapse;
  const ToggleIcon = collapsed ? IconLayoutSidebarLeftExpand : IconLayoutSidebarLeftCollapse;
  return (
    <div className={classes.sidebar} data-collapsed={collapsed || undefined}>
      <ul className={classes.list}>
        {pagesFor(org.permissions).map(({ path, label, icon: Glyph }) => (
          <li key={path}>
            <Tooltip label={label} position="right" disabled={!collapsed}>
              <NavLink
                component={RouterNavLink}
                to={orgPath(org.id, path)}
                label={collapsed ? undefined : label}
                aria-label={collapsed ? label : undefined}
                leftSection={<Glyph size={19} stroke={1.7} aria-hidden />}
                onClick={onNavigate}
                className={classes.link}
              />
            </Tooltip>
          </li>
        ))}
      </ul>
      {onToggle && (
        <Tooltip label={toggleLabel} position="right">
          <ActionIcon
            variant="subtle"
            color="gray"
            size={34}
            onClick={onToggle}
            aria-label={toggleLabel}
            aria-expanded={!collapsed}
          >
            <ToggleIcon size={19} stroke={1.7} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
    </div>
  );
}
