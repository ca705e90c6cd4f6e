import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { type FormEvent, useEffect, useState } from "react";
import { Problem } from "@/shared/api/problem";
import { notifySuccess } from "@/shared/states/notify";
import { ProblemAlert } from "@/shared/states/ProblemAlert";
import { useUnsavedInput } from "@/shared/unsaved/unsavedInput";
import { strings } from "@/strings/integrations";
import { type IntegrationType, usePutIntegration, type Versioned } from "./integrationsApi";
import { clearsCredential, fieldsOf, settingFaults, settingsOf, textsOf } from "./settingsSchema";

interface SettingsFormProps {
  org: { id: string; name: string };
  type: IntegrationType;
  current: Versioned;
  onDirty: (isDirty: boolean) => void;
  /** Begins anew with what is on record. */
  onReload: () => void;
}

/** The settings of an integration, as its own schema describes them. */
export function SettingsForm({ org, type, current, onDirty, onReload }: SettingsFormProps) {
  const fields = fieldsOf(type.settings_schema);
  const { integration, etag } = current;
  const initial = textsOf(fields, integration?.settings);
  const [texts, setTexts] = useState(initial);
  const [faults, setFaults] = useState<Record<string, string>>();
  const save = usePutIntegration(org.id, type.type);
  const isDirty = JSON.stringify(texts) !== JSON.stringify(initial);
  const release = useUnsavedInput(isDirty);
  useEffect(() => onDirty(isDirty), [isDirty, onDirty]);
  const isStale = save.error instanceof Problem && save.error.slug === "stale-version";
  const serverFaults = faultsFrom(save.error);
  const shown: Record<string, string> = { ...serverFaults, ...faults };
  const credentialHint = (given: string | undefined) => {
    if (!integration?.has_credential) {
      return given;
    }
    return clearsCredential(initial, texts) ? strings.credentialCleared : strings.credentialStored;
  };

  const change = (name: string, text: string) => {
    const next = { ...texts, [name]: text };
    setTexts(next);
    save.reset();
    if (faults) {
      setFaults(settingFaults(fields, next));
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = settingFaults(fields, texts);
    setFaults(found);
    if (Object.keys(found).length > 0) {
      return;
    }
    const done = () => {
      release();
      onDirty(false);
      notifySuccess(strings.saved(type.title, org.name));
    };
    save.mutate(
      { enabled: integration?.enabled ?? true, settings: settingsOf(fields, texts), etag },
      { onSuccess: done },
    );
  };

  return (
    <form onSubmit={submit} noValidate autoComplete="off">
      <Stack gap="sm" maw="36rem">
        {isStale ? (
          <Alert role="alert" color="orange" icon={<IconAlertTriangle aria-hidden />} title={strings.changedTitle}>
            <Text size="sm" mb="xs">
              {strings.changedHint}
            </Text>
            <Button size="xs" variant="default" onClick={onReload}>
              {strings.takeTheirs}
            </Button>
          </Alert>
        ) : null}
        {save.error && !isStale && Object.keys(serverFaults).length === 0 ? (
          <ProblemAlert title={strings.notSaved} problem={save.error} />
        ) : null}
        {fields.map(({ name, label, description, isCredential, isInteger, isRequired }) => {
          const props = {
            label,
            required: isRequired,
            value: texts[name] ?? "",
            error: shown[name],
            onChange: (event: { currentTarget: HTMLInputElement }) => change(name, event.currentTarget.value),
          };
          return isCredential ? (
            <PasswordInput
              key={name}
              {...props}
              description={credentialHint(description)}
              autoComplete="new-password"
            />
          ) : (
            <TextInput
              key={name}
              {...props}
              description={description}
              spellCheck={false}
              {...(isInteger ? { inputMode: "numeric" as const } : {})}
            />
          );
        })}
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending}>
            {integration ? strings.save(org.name) : strings.setUp(org.name)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The server's faults, on the settings they belong to. */
function faultsFrom(error: unknown): Record<string, string> {
  const faults = error instanceof Problem ? Object.entries(error.fields) : [];
  return Object.fromEntries(faults.map(([pointer, detail]) => [pointer.replace(/^settings\//, ""), detail]));
}
