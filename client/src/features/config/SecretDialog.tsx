import { Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Problem } from "@/shared/api/problem";
import { notifySuccess } from "@/shared/states/notify";
import { ProblemAlert } from "@/shared/states/ProblemAlert";
import { useUnsavedInput } from "@/shared/unsaved/unsavedInput";
import { strings } from "@/strings/config";
import { nameFault } from "./draft";
import type { ConfigScope } from "./scope";
import { minSecretLength, type SecretName, useSetSecret } from "./secretsApi";

interface SecretDialogProps {
  scope: ConfigScope;
  /** What is replaced; empty for a new secret. */
  secretName: string;
  secrets: SecretName[];
  onClose: () => void;
}

interface Faults {
  name?: string;
  value?: string;
}

/** Stores a secret. Its value goes in and never comes out. */
export function SecretDialog({ scope, secretName, secrets, onClose }: SecretDialogProps) {
  const isNew = secretName === "";
  const [name, setName] = useState(secretName);
  const [value, setValue] = useState("");
  const [faults, setFaults] = useState<Faults>({});
  const save = useSetSecret(scope);
  const release = useUnsavedInput(value !== "" || name !== secretName);
  const found = secrets.find((secret) => secret.name === secretName);
  const isInherited = scope.orgId !== undefined && found?.origin === "global";
  const shown: Faults = { ...faultsFrom(save.error), ...faults };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const isTaken = isNew && secrets.some((secret) => secret.name === name && isOwn(secret, scope));
    const wrongName = isTaken ? strings.nameTaken : nameFault(name, strings.nameMissing);
    const isShort = [...value].length < minSecretLength;
    const next = { ...(wrongName && { name: wrongName }), ...(isShort && { value: strings.secretTooShort }) };
    setFaults(next);
    if (Object.keys(next).length > 0) {
      return;
    }
    const done = () => {
      release();
      notifySuccess(strings.secretSaved(name, scope.name));
      onClose();
    };
    save.mutate({ name, value }, { onSuccess: done });
  };

  return (
    <Modal
      opened
      onClose={onClose}
      title={isNew ? strings.newSecret(scope.name) : strings.replaceTitle(secretName, scope.name)}
      closeOnClickOutside={false}
    >
      <form onSubmit={submit} noValidate autoComplete="off">
        <Stack gap="sm">
          {isInherited ? (
            <Text size="sm" c="dimmed">
              {strings.overrideSecretHint(scope.name)}
            </Text>
          ) : null}
          {save.error && Object.keys(faultsFrom(save.error)).length === 0 ? (
            <ProblemAlert title={strings.secretNotSaved} problem={save.error} />
          ) : null}
          <TextInput
            label={strings.name}
            description={isNew ? strings.nameHint : undefined}
            required={isNew}
            readOnly={!isNew}
            variant={isNew ? "default" : "filled"}
            data-autofocus={isNew || undefined}
            value={name}
            error={shown.name}
            onChange={(event) => {
              setName(event.currentTarget.value);
              setFaults({ ...faults, name: undefined });
            }}
          />
          <PasswordInput
            label={strings.secretValue}
            description={strings.secretValueHint}
            required
            autoComplete="new-password"
            data-autofocus={isNew ? undefined : true}
            value={value}
            error={shown.value}
            onChange={(event) => {
              setValue(event.currentTarget.value);
              setFaults({ ...faults, value: undefined });
              save.reset();
            }}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {strings.cancel}
            </Button>
            <Button type="submit" loading={save.isPending}>
              {strings.storeFor(scope.name)}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function isOwn({ origin }: SecretName, { orgId }: ConfigScope): boolean {
  return orgId === undefined || origin === "organization";
}

function faultsFrom(error: unknown): Faults {
  if (!(error instanceof Problem)) {
    return {};
  }
  if (error.slug === "path-invalid") {
    return { name: error.message };
  }
  return error.fields.value ? { value: error.fields.value } : {};
}
