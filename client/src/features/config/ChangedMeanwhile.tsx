import { Alert, Button, Code, Group, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { strings } from "@/strings/config";
import { configEntryQuery } from "./configApi";
import type { ConfigScope } from "./scope";

interface ChangedMeanwhileProps {
  scope: ConfigScope;
  entryKey: string;
  onTake: () => void;
  /** Saves over the version that is there now. */
  onSave: (etag: string | undefined) => void;
}

/** Somebody else was faster: shows what they saved, and leaves the choice to the person. */
export function ChangedMeanwhile({ scope, entryKey, onTake, onSave }: ChangedMeanwhileProps) {
  const options = configEntryQuery(scope, entryKey);
  const { data } = useQuery({ ...options, queryKey: [...options.queryKey, "now"] });
  return (
    <Alert role="alert" color="orange" icon={<IconAlertTriangle aria-hidden />} title={strings.changedTitle}>
      <Text size="sm">{strings.changedHint}</Text>
      <Code block my="xs">
        {data ? String(data.entry.value) : "…"}
      </Code>
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={onTake}>
          {strings.takeTheirs}
        </Button>
        <Button size="xs" color="orange" variant="light" disabled={!data} onClick={() => onSave(data?.etag)}>
          {strings.saveMine}
        </Button>
      </Group>
    </Alert>
  );
}
