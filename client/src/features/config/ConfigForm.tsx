import { Button, Group, NativeSelect, Stack, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Problem } from "@/shared/api/problem";
import { notifySuccess } from "@/shared/states/notify";
import { ProblemAlert } from "@/shared/states/ProblemAlert";
import { useUnsavedInput } from "@/shared/unsaved/unsavedInput";
import { strings } from "@/strings/config";
import { ChangedMeanwhile } from "./ChangedMeanwhile";
import { type ConfigType, useSetConfig, type VersionedEntry } from "./configApi";
import { bodyOf, type Draft, draftOf, emptyDraft, type Faults, faultsOf, withType } from "./draft";
import type { ConfigScope } from "./scope";
import { ValueField } from "./ValueField";

interface ConfigFormProps {
  scope: ConfigScope;
  /** What is edited; absent for a new value. */
  current: VersionedEntry | undefined;
  takenKeys: string[];
  secretNames: string[];
  onClose: () => void;
  /** Begins anew with what is on record. */
  onReload: () => void;
}

const types = (["string", "int", "bool", "secret_ref"] as const satisfies ConfigType[]).map((type) => ({
  value: type,
  label: strings.types[type],
}));

/** Sets a config value. */
export function ConfigForm({ scope, current, takenKeys, secretNames, onClose, onReload }: ConfigFormProps) {
  const initial = current ? draftOf(current.entry) : emptyDraft;
  const [draft, setDraft] = useState<Draft>(initial);
  const [faults, setFaults] = useState<Faults>();
  const save = useSetConfig(scope);
  const release = useUnsavedInput(JSON.stringify(draft) !== JSON.stringify(initial));
  const shown = { ...faultsFrom(save.error), ...faults };
  const isStale = save.error instanceof Problem && save.error.slug === "stale-version";

  const change = (next: Draft) => {
    setDraft(next);
    save.reset();
    if (faults) {
      setFaults(faultsOf(next, takenKeys));
    }
  };
  const send = (etag: string | undefined) =>
    save.mutate(
      { key: draft.key, body: bodyOf(draft), etag },
      {
        onSuccess: () => {
          release();
          notifySuccess(strings.saved(draft.key, scope.name));
          onClose();
        },
      },
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = faultsOf(draft, takenKeys);
    setFaults(found);
    if (Object.keys(found).length === 0) {
      send(current?.etag);
    }
  };

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm">
        {isStale ? <ChangedMeanwhile scope={scope} entryKey={draft.key} onTake={onReload} onSave={send} /> : null}
        {save.error && !isStale && Object.keys(faultsFrom(save.error)).length === 0 ? (
          <ProblemAlert title={strings.notSaved} problem={save.error} />
        ) : null}
        <TextInput
          label={strings.key}
          description={current ? undefined : strings.keyHint}
          required={!current}
          readOnly={current !== undefined}
          variant={current ? "filled" : "default"}
          data-autofocus={current ? undefined : true}
          value={draft.key}
          error={shown.key}
          onChange={(event) => change({ ...draft, key: event.currentTarget.value })}
        />
        <NativeSelect
          label={strings.type}
          data={types}
          value={draft.type}
          onChange={(event) => {
            const type = types.find(({ value }) => value === event.currentTarget.value);
            if (type) {
              change(withType(draft, type.value));
            }
          }}
        />
        <ValueField
          draft={draft}
          error={shown.value}
          secretNames={secretNames}
          onChange={(text) => change({ ...draft, text })}
        />
        <Textarea
          label={strings.description}
          autosize
          maxRows={4}
          value={draft.description}
          error={shown.description}
          onChange={(event) => change({ ...draft, description: event.currentTarget.value })}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {strings.cancel}
          </Button>
          <Button type="submit" loading={save.isPending}>
            {strings.save(scope.name)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The server's faults, on the controls they belong to. */
function faultsFrom(error: unknown): Faults {
  if (!(error instanceof Problem)) {
    return {};
  }
  if (error.slug === "path-invalid") {
    return { key: error.message };
  }
  const { value, description } = error.fields;
  return { ...(value ? { value } : {}), ...(description ? { description } : {}) };
}
