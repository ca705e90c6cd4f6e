import { Button, Code, Group, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ConfirmDialog } from "@/shared/dialogs/ConfirmDialog";
import { useDialogParam } from "@/shared/dialogs/useDialogParam";
import { useMe } from "@/shared/me/me";
import { orgPath, useOrg } from "@/shared/org/org";
import { Empty } from "@/shared/states/Empty";
import { notifySuccess } from "@/shared/states/notify";
import type { Column } from "@/shared/table/columns";
import { DataTable } from "@/shared/table/DataTable";
import type { RowAction } from "@/shared/table/RowMenu";
import { useTableState } from "@/shared/table/useTableState";
import { strings } from "@/strings/config";
import { configQuery } from "./configApi";
import { Source } from "./configColumns";
import { SecretDialog } from "./SecretDialog";
import type { ConfigScope } from "./scope";
import { type SecretName, secretsQuery, useDeleteSecret } from "./secretsApi";

/** The secrets that workflows find in a scope, by name. */
export function Secrets({ scope }: { scope: ConfigScope }) {
  const me = useMe();
  const org = useOrg();
  const state = useTableState("secrets", ["q"]);
  const query = useQuery(secretsQuery(scope));
  const { data: config } = useQuery(configQuery(scope));
  const dialog = useDialogParam("edit");
  const [doomed, setDoomed] = useState<string>();
  const secrets = query.data?.items;
  const search = (state.url.filters.q ?? "").toLowerCase();

  const referring = (name: string) =>
    (config?.items ?? []).filter(({ type, value }) => type === "secret_ref" && value === name).map(({ key }) => key);
  const columns: Column<SecretName>[] = [
    { id: "name", title: strings.secret, width: 280, isMain: true, render: ({ name }) => name },
    ...(scope.orgId
      ? [
          {
            id: "source",
            title: strings.source,
            width: 140,
            card: "badge" as const,
            render: ({ origin }: SecretName) => <Source origin={origin} scope={scope} />,
          },
        ]
      : []),
    {
      id: "used-by",
      title: strings.referredToBy,
      width: 300,
      grows: true,
      card: "wide",
      render: ({ name }) => (
        <Group gap={6}>
          {referring(name).map((key) => (
            <Code key={key}>{key}</Code>
          ))}
        </Group>
      ),
    },
  ];
  const actions = ({ name, origin }: SecretName): RowAction[] => {
    if (scope.orgId && origin === "global") {
      const globally = orgPath(org.id, `config?tab=secrets&scope=global&edit=${encodeURIComponent(name)}`);
      return [
        { label: strings.override(scope.name), to: dialog.link(name) },
        ...(me.is_administrator ? [{ label: strings.editGlobalSecret, to: globally }] : []),
      ];
    }
    return [
      { label: strings.replace, to: dialog.link(name) },
      { label: strings.remove, isDangerous: true, onSelect: () => setDoomed(name) },
    ];
  };

  return (
    <>
      <DataTable
        state={state}
        source={query}
        label={strings.tabs.secrets}
        columns={columns}
        rows={secrets?.filter(({ name }) => name.toLowerCase().includes(search))}
        rowId={({ name }) => name}
        rowLink={({ name }) => dialog.link(name)}
        rowActions={actions}
        rowActionsLabel={({ name }) => strings.actionsFor(name)}
        filters={[{ kind: "search", id: "q", label: strings.searchSecrets }]}
        errorTitle={strings.secretsFailed}
        tools={
          <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => dialog.show("")}>
            {strings.newSecret(scope.name)}
          </Button>
        }
        empty={{
          nothingMatches: strings.noSecretMatch,
          nothingYet: (
            <Empty title={strings.noSecrets}>
              <Text size="sm">{strings.noSecretsHint}</Text>
            </Empty>
          ),
        }}
      />
      {dialog.open !== undefined && secrets ? (
        <SecretDialog
          key={`${scope.orgId} ${dialog.open}`}
          scope={scope}
          secretName={dialog.open}
          secrets={secrets}
          onClose={dialog.close}
        />
      ) : null}
      {doomed ? (
        <DeleteSecret
          scope={scope}
          secretName={doomed}
          referring={referring(doomed)}
          onClose={() => setDoomed(undefined)}
        />
      ) : null}
    </>
  );
}

interface DeleteSecretProps {
  scope: ConfigScope;
  secretName: string;
  referring: string[];
  onClose: () => void;
}

function DeleteSecret({ scope, secretName, referring, onClose }: DeleteSecretProps) {
  const remove = useDeleteSecret(scope);
  const done = () => {
    notifySuccess(strings.deleted(secretName, scope.name));
    onClose();
  };
  return (
    <ConfirmDialog
      title={strings.deleteSecretTitle(secretName, scope.name)}
      confirm={strings.removeFor(scope.name)}
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate(secretName, { onSuccess: done })}
      onClose={onClose}
    >
      <Text size="sm">{scope.orgId ? strings.deleteSecretOwn(scope.name) : strings.deleteSecretGlobal}</Text>
      {referring.length > 0 ? (
        <Text size="sm" mt="xs">
          {strings.stillReferred(referring.join(", "))}
        </Text>
      ) : null}
    </ConfirmDialog>
  );
}
