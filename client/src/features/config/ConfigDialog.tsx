import { Modal, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ErrorState } from "@/shared/states/ErrorState";
import { RowsSkeleton } from "@/shared/states/Skeletons";
import { strings } from "@/strings/config";
import { ConfigForm } from "./ConfigForm";
import { type ConfigEntry, configEntryQuery } from "./configApi";
import type { ConfigScope } from "./scope";

interface ConfigDialogProps {
  scope: ConfigScope;
  /** What is edited; empty for a new value. */
  entryKey: string;
  entries: ConfigEntry[];
  secretNames: string[];
  onClose: () => void;
}

/** Edits one config value of an organization, or of all of them. */
export function ConfigDialog({ scope, entryKey, entries, secretNames, onClose }: ConfigDialogProps) {
  const isNew = entryKey === "";
  const query = useQuery({ ...configEntryQuery(scope, entryKey), enabled: !isNew });
  const isInherited = scope.orgId !== undefined && query.data?.entry.origin === "global";
  const own = entries.filter(({ origin }) => scope.orgId === undefined || origin === "organization");
  const title = isNew
    ? strings.newValue(scope.name)
    : (isInherited ? strings.overrideTitle : strings.editTitle)(entryKey, scope.name);

  return (
    <Modal opened onClose={onClose} title={title} size="lg" closeOnClickOutside={false}>
      {isInherited ? (
        <Text size="sm" c="dimmed" mb="sm">
          {strings.overrideHint(scope.name)}
        </Text>
      ) : null}
      {query.error ? (
        <ErrorState title={strings.entryFailed} error={query.error} onRetry={() => void query.refetch()} />
      ) : null}
      {isNew || query.data ? (
        <ConfigForm
          key={query.dataUpdatedAt}
          scope={scope}
          current={query.data}
          takenKeys={isNew ? own.map(({ key }) => key) : []}
          secretNames={secretNames}
          onClose={onClose}
          onReload={() => void query.refetch()}
        />
      ) : null}
      {!isNew && query.isPending ? <RowsSkeleton rows={4} /> : null}
    </Modal>
  );
}
