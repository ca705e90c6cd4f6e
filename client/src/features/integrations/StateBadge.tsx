import { Badge } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleOff } from "@tabler/icons-react";
import { strings } from "@/strings/integrations";
import type { Integration } from "./integrationsApi";

/** Whether an integration can be used in an organization. */
export type State = keyof typeof strings.states;

const icons = {
  on: IconCircleCheck,
  off: IconCircleOff,
  incomplete: IconAlertTriangle,
  absent: IconCircleDashed,
} satisfies Record<State, unknown>;

/** The state of an integration; `undefined` is one that is not set up. */
export function stateOf(integration: Integration | undefined): State {
  if (!integration) {
    return "absent";
  }
  if (!integration.enabled) {
    return "off";
  }
  return integration.has_credential ? "on" : "incomplete";
}

/** The state with icon and word. */
export function StateBadge({ state }: { state: State }) {
  const Icon = icons[state];
  return (
    <Badge variant="default" tt="none" fw={500} leftSection={<Icon size={14} aria-hidden />}>
      {strings.states[state]}
    </Badge>
  );
}
