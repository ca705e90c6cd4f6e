import { Popover, UnstyledButton } from "@mantine/core";
import { IconBuilding, IconBuildings, IconSelector } from "@tabler/icons-react";
import { useLocation, useNavigate } from "react-router";
import { useShortcut } from "@/shared/shortcuts/shortcuts";
import { strings } from "@/strings/shell";
import { OrgPicker } from "./OrgPicker";
import classes from "./OrgSwitcher.module.css";
import { useOverlays } from "./overlays";
import { switchOrg } from "./switchOrg";
import { useShellOrg } from "./useShellOrg";

/** Says which organization the page acts on, and switches to another one while the page stays. */
export function OrgSwitcher() {
  const org = useShellOrg();
  const { open, show, close } = useOverlays();
  const navigate = useNavigate();
  const location = useLocation();
  useShortcut("g o", () => show("switcher"));

  const opened = open === "switcher";
  const choose = (id: string) => {
    close();
    if (id !== org.id || !location.pathname.startsWith("/o/")) {
      const { to, notice } = switchOrg(location, id);
      void navigate(to, { state: { notice } });
    }
  };
  const Glyph = org.isAll ? IconBuildings : IconBuilding;
  return (
    <Popover
      opened={opened}
      onDismiss={close}
      position="bottom-start"
      width="min(22rem, calc(100vw - 1rem))"
      shadow="lg"
      hideDetached={false}
      trapFocus
      returnFocus
      transitionProps={{ duration: 0 }}
    >
      <Popover.Target>
        <UnstyledButton
          className={classes.target}
          onClick={() => (opened ? close() : show("switcher"))}
          aria-label={strings.switcher(org.name)}
        >
          <Glyph size={18} stroke={1.7} aria-hidden className={classes.glyph} />
          <span className={classes.name}>{org.name}</span>
          <IconSelector size={16} stroke={1.7} aria-hidden className={classes.glyph} />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown p={0} aria-label={strings.switchTitle}>
        <OrgPicker current={org.id} onChoose={choose} />
      </Popover.Dropdown>
    </Popover>
  );
}
