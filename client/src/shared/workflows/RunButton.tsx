import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { Link } from "react-router";
import type { RunTarget } from "./paths";

interface RunButtonProps extends Pick<ButtonProps, "size" | "variant"> {
  target: RunTarget;
  /** What it is called in a list of workflows, where its own text is short. */
  "aria-label"?: string;
  /** Instead of the target's label. */
  children?: string;
}

/** Leads to the form that runs a workflow; says why where it cannot be run now. */
export function RunButton({ target, children = target.label, ...rest }: RunButtonProps) {
  const button = { ...rest, leftSection: <IconPlayerPlay size={rest.size === "xs" ? 14 : 16} aria-hidden /> };
  if (target.disabledReason) {
    return (
      <Tooltip label={target.disabledReason} events={{ hover: true, focus: true, touch: true }} multiline maw={320}>
        {/* Not `disabled`: the reason must be reachable by keyboard. */}
        <Button {...button} data-disabled aria-disabled onClick={(event) => event.preventDefault()}>
          {children}
        </Button>
      </Tooltip>
    );
  }
  return (
    <Button {...button} component={Link} to={target.to}>
      {children}
    </Button>
  );
}
