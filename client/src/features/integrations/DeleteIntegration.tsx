import { Text } from "@mantine/core";
import { ConfirmDialog } from "@/shared/dialogs/ConfirmDialog";
import { notifySuccess } from "@/shared/states/notify";
import { strings } from "@/strings/integrations";
import { type IntegrationType, useDeleteIntegration } from "./integrationsApi";

interface DeleteIntegrationProps {
  org: { id: string; name: string };
  type: IntegrationType;
  onClose: () => void;
  onDeleted: () => void;
}

/** Asks before settings and credential of an integration are removed. */
export function DeleteIntegration({ org, type, onClose, onDeleted }: DeleteIntegrationProps) {
  const remove = useDeleteIntegration(org.id, type.type);
  const done = () => {
    notifySuccess(strings.removed(type.title, org.name));
    onDeleted();
  };
  return (
    <ConfirmDialog
      title={strings.removeTitle(type.title, org.name)}
      confirm={strings.remove(org.name)}
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate(undefined, { onSuccess: done })}
      onClose={onClose}
    >
      <Text size="sm">{strings.removeHint(org.name)}</Text>
    </ConfirmDialog>
  );
}
