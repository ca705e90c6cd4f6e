import { Alert, Text } from "@mantine/core";
import { IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import { formatDuration } from "@/shared/time/format";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { strings } from "@/strings/integrations";
import type { Check } from "./integrationsApi";

/** What came of asking the service: that it works, or exactly why it does not. */
export function CheckResult({ check }: { check: Check }) {
  const Icon = check.ok ? IconCircleCheck : IconCircleX;
  return (
    <Alert
      color={check.ok ? "green" : "red"}
      icon={<Icon aria-hidden />}
      title={check.ok ? strings.works : strings.fails}
      role="status"
    >
      <Text size="sm">{check.message}</Text>
      <Text size="xs" mt={4}>
        {strings.checked} <RelativeTime at={check.checked_at} />, {strings.took(formatDuration(check.duration_ms))}
        {typeof check.service_status === "number" ? ` · ${strings.serviceStatus(check.service_status)}` : null}
        {check.error_type ? ` · ${check.error_type}` : null}
      </Text>
    </Alert>
  );
}
