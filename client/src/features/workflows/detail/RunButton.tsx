import { Button, Tooltip } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { Link } from "react-router";
import type { RunTarget } from "@/shared/workflows/paths";

/** Leads to the form that runs a workflow; says why where it cannot be run now. */
export function RunButton({ target }: { target: RunTarget }) {
  const icon = <IconPlayerPlay size={16} aria-hidden />;
  if (target.disabledReason) {
    return (
      <Tooltip label={target.disabledReason} events={{ hover: true, focus: true, touch: true }} multiline maw={320}>
        {/* Not `disabled`: the reason must be reachable by keyboard. */}
        <Button leftSection={icon} data-disabled aria-disabled onClick={(event) => event.preventDefault()}>
          {target.label}
        </Button>
      </Tooltip>
    );
  }
  return (
    <Button leftSection={icon} component={Link} to={target.to}>
      {target.label}
    </Button>
  );
}
