import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { ProblemAlert } from "@/shared/states/ProblemAlert";
import { strings } from "@/strings/execution";
import { useOrganizationName } from "./ExecutionFacts";
import type { Execution } from "./execution";

interface CancelDialogProps {
  execution: Execution;
  isOpen: boolean;
  isPending: boolean;
  error: unknown;
  onClose: () => void;
  onCancel: () => void;
}

/** Asks before a run is cancelled, and says what may have been done already. */
export function CancelDialog({ execution, isOpen, isPending, error, onClose, onCancel }: CancelDialogProps) {
  const organization = useOrganizationName(execution.org_id);
  const running = execution.org_id ? strings.cancelRunning(organization) : strings.cancelRunningNowhere;
  return (
    <Modal opened={isOpen} onClose={onClose} title={strings.cancelTitle(execution.workflow_name)}>
      <Stack gap="md">
        <Text size="sm">{execution.status === "Pending" ? strings.cancelPending : running}</Text>
        {error !== null && <ProblemAlert title={strings.cancelFailed} problem={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            {strings.keepRunning}
          </Button>
          <Button color="red" loading={isPending} onClick={onCancel}>
            {strings.cancel}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
