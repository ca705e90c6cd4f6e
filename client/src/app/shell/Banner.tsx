import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./Banner.module.css";

interface BannerProps {
  tone: "stop" | "warn" | "info";
  icon: Icon;
  action?: ReactNode;
  children: ReactNode;
}

/** A line above every page that stays as long as what it says is so. */
export function Banner({ tone, icon: Glyph, action, children }: BannerProps) {
  return (
    <div className={classes.banner} data-tone={tone}>
      <Glyph size={18} aria-hidden className={classes.icon} />
      <div className={classes.text}>{children}</div>
      {action}
    </div>
  );
}
