import { Alert, Button, Group, List, Stack, Text } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";
import { Problem, Unreachable } from "@/shared/api/problem";
import { strings } from "@/strings/shared";
import { Copyable } from "./Copyable";

interface ProblemAlertProps {
  /** What a query or mutation failed with. */
  problem: unknown;
  /** What was being done: "The workflows could not be loaded". Otherwise the problem's own title stands there. */
  title?: string;
  /** Offers to try again. */
  onRetry?: () => void;
}

/** What went wrong, in the server's words, with the request id to pass on and a way to try again. */
export function ProblemAlert({ problem, title, onRetry }: ProblemAlertProps) {
  const { heading, text, requestId, fields } = explain(problem);
  return (
    <Alert role="alert" color="red" icon={<IconAlertCircle aria-hidden />} title={title ?? heading}>
      <Stack gap="xs" align="flex-start">
        {text && <Text size="sm">{text}</Text>}
        {fields.length > 0 && (
          <List size="sm">
            {fields.map(([field, detail]) => (
              <List.Item key={field}>
                <strong>{field}</strong>: {detail}
              </List.Item>
            ))}
          </List>
        )}
        {requestId && (
          <Group gap={6}>
            <Text size="xs">{strings.requestId}</Text>
            <Copyable value={requestId} what="request" />
          </Group>
        )}
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {strings.retry}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

function explain(problem: unknown) {
  if (problem instanceof Problem) {
    return {
      heading: problem.body.title,
      text: problem.body.detail ?? undefined,
      requestId: problem.requestId,
      fields: Object.entries(problem.fields),
    };
  }
  const text = problem instanceof Unreachable ? strings.unreachable : strings.unexpectedHint;
  return { heading: strings.unexpected, text, requestId: undefined, fields: [] };
}
