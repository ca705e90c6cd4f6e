import { Autocomplete, SegmentedControl, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useId } from "react";
import { strings } from "@/strings/config";
import type { Draft } from "./draft";

interface ValueFieldProps {
  draft: Draft;
  error: string | undefined;
  /** Names of the secrets that can be referred to. */
  secretNames: string[];
  onChange: (text: string) => void;
}

/** The control that suits the type of a config value. */
export function ValueField({ draft, error, secretNames, onChange }: ValueFieldProps) {
  const labelId = useId();
  switch (draft.type) {
    case "bool":
      return (
        <Stack gap={4} align="flex-start">
          <Text size="sm" fw={500} id={labelId}>
            {strings.value}
          </Text>
          <SegmentedControl
            aria-labelledby={labelId}
            data={[
              { value: "true", label: strings.yes },
              { value: "false", label: strings.no },
            ]}
            value={draft.text}
            onChange={onChange}
          />
        </Stack>
      );
    case "int":
      return (
        <TextInput
          label={strings.value}
          inputMode="numeric"
          required
          value={draft.text}
          error={error}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case "secret_ref":
      return (
        <Autocomplete
          label={strings.secretName}
          description={strings.secretNameHint}
          required
          data={secretNames}
          value={draft.text}
          error={error}
          onChange={onChange}
          inputWrapperOrder={["label", "input", "description", "error"]}
          {...(draft.text && !secretNames.includes(draft.text) && !error ? { description: strings.missingHint } : {})}
        />
      );
    case "string":
      return (
        <Textarea
          label={strings.value}
          autosize
          minRows={1}
          maxRows={10}
          value={draft.text}
          error={error}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}
