import { NavLink, ScrollArea } from "@mantine/core";
import { NavLink as RouterNavLink, useParams } from "react-router";
import { useMe } from "@/shared/me/me";
import { orgFrom, orgPath } from "@/shared/org/org";
import { usePreferences } from "@/shared/preferences/preferences";
import { strings } from "@/strings/shell";
import { pagesFor } from "./navigation";

/** The pages of the organization in the address; outside of one, of the organization used last. */
export function Sidebar({ onNavigate }: { onNavigate: () => void }) {
  const me = useMe();
  const { recent } = usePreferences();
  const { org: id = recent[0] ?? "all" } = useParams();
  const org = orgFrom(me, id) ?? orgFrom(me, "all");
  return (
    <ScrollArea component="nav" aria-label={strings.mainNavigation} p="xs">
      {org &&
        pagesFor(org.permissions).map(({ path, label, icon: Glyph }) => (
          <NavLink
            key={path}
            component={RouterNavLink}
            to={orgPath(org.id, path)}
            label={label}
            leftSection={<Glyph size={18} stroke={1.7} aria-hidden />}
            onClick={onNavigate}
          />
        ))}
    </ScrollArea>
  );
}
