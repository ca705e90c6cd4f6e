import { Button, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ConfirmDialog } from "@/shared/dialogs/ConfirmDialog";
import { useDialogParam } from "@/shared/dialogs/useDialogParam";
import { useMe } from "@/shared/me/me";
import { orgPath, useOrg } from "@/shared/org/org";
import { Empty } from "@/shared/states/Empty";
import { notifySuccess } from "@/shared/states/notify";
import { DataTable } from "@/shared/table/DataTable";
import type { TableFilter } from "@/shared/table/filters";
import type { RowAction } from "@/shared/table/RowMenu";
import { useTableState } from "@/shared/table/useTableState";
import { strings } from "@/strings/config";
import { ConfigDialog } from "./ConfigDialog";
import { type ConfigEntry, configQuery, useDeleteConfig } from "./configApi";
import { configColumns } from "./configColumns";
import { type ConfigScope, sourceName } from "./scope";
import { secretsQuery } from "./secretsApi";

/** The config values that hold in a scope. */
export function ConfigValues({ scope }: { scope: ConfigScope }) {
  const me = useMe();
  const org = useOrg();
  const state = useTableState("config", ["q", "type", "source"]);
  const query = useQuery(configQuery(scope));
  const secretNames = useQuery(secretsQuery(scope)).data?.items.map(({ name }) => name);
  const dialog = useDialogParam("edit");
  const [doomed, setDoomed] = useState<string>();
  const entries = query.data?.items;

  const actions = ({ key, origin }: ConfigEntry): RowAction[] => {
    if (scope.orgId && origin === "global") {
      const globally = orgPath(org.id, `config?scope=global&edit=${encodeURIComponent(key)}`);
      return [
        { label: strings.override(scope.name), to: dialog.link(key) },
        ...(me.is_administrator ? [{ label: strings.editGlobal, to: globally }] : []),
      ];
    }
    return [
      { label: strings.edit, to: dialog.link(key) },
      { label: strings.remove, isDangerous: true, onSelect: () => setDoomed(key) },
    ];
  };

  return (
    <>
      <DataTable
        state={state}
        source={query}
        label={strings.tabs.values}
        columns={configColumns(me, scope, secretNames)}
        rows={entries?.filter((entry) => matches(entry, state.url.filters))}
        rowId={({ key }) => key}
        rowLink={({ key }) => dialog.link(key)}
        rowActions={actions}
        rowActionsLabel={({ key }) => strings.actionsFor(key)}
        filters={filtersFor(scope)}
        errorTitle={strings.valuesFailed}
        tools={
          <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => dialog.show("")}>
            {strings.newValue(scope.name)}
          </Button>
        }
        empty={{
          nothingMatches: strings.noMatch,
          nothingYet: (
            <Empty title={strings.noValues}>
              <Text size="sm">{strings.noValuesHint}</Text>
            </Empty>
          ),
        }}
      />
      {dialog.open !== undefined && entries ? (
        <ConfigDialog
          key={`${scope.orgId} ${dialog.open}`}
          scope={scope}
          entryKey={dialog.open}
          entries={entries}
          secretNames={secretNames ?? []}
          onClose={dialog.close}
        />
      ) : null}
      {doomed ? <DeleteConfig scope={scope} entryKey={doomed} onClose={() => setDoomed(undefined)} /> : null}
    </>
  );
}

function DeleteConfig({ scope, entryKey, onClose }: { scope: ConfigScope; entryKey: string; onClose: () => void }) {
  const remove = useDeleteConfig(scope);
  const done = () => {
    notifySuccess(strings.deleted(entryKey, scope.name));
    onClose();
  };
  return (
    <ConfirmDialog
      title={strings.deleteTitle(entryKey, scope.name)}
      confirm={strings.removeFor(scope.name)}
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate(entryKey, { onSuccess: done })}
      onClose={onClose}
    >
      <Text size="sm">{scope.orgId ? strings.deleteOwn(scope.name) : strings.deleteGlobal}</Text>
    </ConfirmDialog>
  );
}

function filtersFor(scope: ConfigScope): TableFilter[] {
  const types = (["string", "int", "bool", "secret_ref"] as const).map((type) => ({
    value: type,
    label: strings.types[type],
  }));
  const sources = (["organization", "global"] as const).map((origin) => ({
    value: origin,
    label: sourceName(origin, scope),
  }));
  return [
    { kind: "search", id: "q", label: strings.searchValues },
    { kind: "choice", id: "type", label: strings.type, choices: types },
    ...(scope.orgId ? [{ kind: "choice" as const, id: "source", label: strings.source, choices: sources }] : []),
  ];
}

function matches(entry: ConfigEntry, { q = "", type, source }: Record<string, string>): boolean {
  const text = `${entry.key} ${entry.value} ${entry.description ?? ""}`.toLowerCase();
  return text.includes(q.toLowerCase()) && (!type || entry.type === type) && (!source || entry.origin === source);
}
