import { Alert, Anchor, Stack, Text } from "@mantine/core";
import { IconHistory } from "@tabler/icons-react";
import { Link } from "react-router";
import { executionPath } from "@/shared/executions/executions";
import { strings } from "@/strings/run";
import type { Again } from "./earlierRun";

/** Above a form that repeats a run: what was filled in, what was not, and what has changed since. */
export function AgainNotice({ again, orgName }: { again: Again; orgName: string }) {
  const lines = [
    again.isOtherWorkflow && strings.againOther,
    again.isTooLong && strings.againTooLong,
    again.blank.length > 0 && strings.againBlank(again.blank.join(", ")),
    again.isChanged && strings.againChanged,
    again.gone.length > 0 && strings.againGone(again.gone.join(", ")),
    again.added.length > 0 && strings.againNew(again.added.join(", ")),
    !again.isLinked && !again.isOtherWorkflow && strings.againElsewhere(orgName),
  ].filter((line) => typeof line === "string");
  const isFilled = !again.isOtherWorkflow && !again.isTooLong;
  return (
    <Alert
      color="indigo"
      icon={<IconHistory aria-hidden />}
      title={isFilled ? strings.againFrom : strings.againTitle}
      maw="46rem"
    >
      <Stack gap={4}>
        {lines.map((line) => (
          <Text key={line} size="sm">
            {line}
          </Text>
        ))}
        <Anchor component={Link} to={executionPath(again.run)} size="sm" c="inherit" underline="always">
          {strings.againLink}
        </Anchor>
      </Stack>
    </Alert>
  );
}
