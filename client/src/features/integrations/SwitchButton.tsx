import { Button, Text } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "@/shared/dialogs/ConfirmDialog";
import { notifyProblem, notifySuccess } from "@/shared/states/notify";
import { strings } from "@/strings/integrations";
import { type Integration, type IntegrationType, usePutIntegration } from "./integrationsApi";

interface SwitchButtonProps {
  org: { id: string; name: string };
  type: IntegrationType;
  integration: Integration;
  etag: string | undefined;
  /** Settings are being edited: switching would throw them away. */
  isHeldBack: boolean;
}

/** Turns an integration on, or off after asking. Settings and credential stay as they are. */
export function SwitchButton({ org, type, integration, etag, isHeldBack }: SwitchButtonProps) {
  const [isAsking, setIsAsking] = useState(false);
  const put = usePutIntegration(org.id, type.type);
  const { enabled, settings } = integration;
  const turn = () =>
    put.mutate(
      { enabled: !enabled, settings, etag },
      {
        onSuccess: () => {
          setIsAsking(false);
          notifySuccess((enabled ? strings.turnedOff : strings.turnedOn)(type.title, org.name));
        },
        onError: (error) => {
          if (!enabled) {
            notifyProblem(strings.notTurned, error);
          }
        },
      },
    );
  return (
    <>
      <Button
        variant="default"
        disabled={isHeldBack}
        loading={put.isPending && !isAsking}
        onClick={enabled ? () => setIsAsking(true) : turn}
      >
        {enabled ? strings.turnOff(org.name) : strings.turnOn(org.name)}
      </Button>
      {isAsking ? (
        <ConfirmDialog
          title={strings.turnOffTitle(type.title, org.name)}
          confirm={strings.turnOff(org.name)}
          isPending={put.isPending}
          error={put.error}
          onConfirm={turn}
          onClose={() => setIsAsking(false)}
        >
          <Text size="sm">{strings.turnOffHint}</Text>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
