import { Badge, Code, Group, Text } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import type { Me } from "@/shared/me/me";
import type { Column } from "@/shared/table/columns";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { strings } from "@/strings/config";
import type { ConfigEntry } from "./configApi";
import { type ConfigScope, sourceName } from "./scope";

/** The columns of config values. */
export function configColumns(me: Me, scope: ConfigScope, secretNames: string[] | undefined): Column<ConfigEntry>[] {
  const source: Column<ConfigEntry> = {
    id: "source",
    title: strings.source,
    width: 120,
    card: "badge",
    render: ({ origin }) => <Source origin={origin} scope={scope} />,
  };
  return [
    { id: "key", title: strings.key, width: 220, isMain: true, render: ({ key }) => key },
    {
      id: "value",
      title: strings.value,
      width: 240,
      grows: true,
      card: "wide",
      render: (entry) => <Value entry={entry} secretNames={secretNames} />,
    },
    { id: "type", title: strings.type, width: 140, render: ({ type }) => strings.types[type] },
    ...(scope.orgId ? [source] : []),
    {
      id: "description",
      title: strings.description,
      width: 220,
      grows: true,
      card: "wide",
      render: ({ description }) => (description ? <span title={description}>{description}</span> : null),
    },
    {
      id: "updated",
      title: strings.updated,
      width: 150,
      isOptional: true,
      render: ({ updated_at }) => <RelativeTime at={updated_at} />,
    },
    {
      id: "updated-by",
      title: strings.updatedBy,
      width: 150,
      isOptional: true,
      render: ({ updated_by }) => {
        if (updated_by === "platform") {
          return strings.commandLine;
        }
        return updated_by === me.user.id ? strings.me : updated_by;
      },
    },
  ];
}

/** Whether a value is the organization's own or inherited. */
export function Source({ origin, scope }: { origin: "organization" | "global"; scope: ConfigScope }) {
  return (
    <Badge size="sm" tt="none" fw={500} variant={origin === "global" ? "default" : "light"}>
      {sourceName(origin, scope)}
    </Badge>
  );
}

function Value({ entry, secretNames }: { entry: ConfigEntry; secretNames: string[] | undefined }) {
  const text = String(entry.value);
  if (entry.type === "bool") {
    return text === "true" ? strings.yes : strings.no;
  }
  if (entry.type !== "secret_ref") {
    return <span title={text}>{text}</span>;
  }
  return (
    <Group gap={6} wrap="nowrap">
      <Code>{text}</Code>
      {secretNames ? <Resolution isFound={secretNames.includes(text)} /> : null}
    </Group>
  );
}

/** Whether a reference leads to a secret. */
function Resolution({ isFound }: { isFound: boolean }) {
  return isFound ? (
    <Text component="span" size="xs" c="dimmed">
      <IconCheck size={12} aria-hidden /> {strings.resolves}
    </Text>
  ) : (
    <Text component="span" size="xs" c="var(--mantine-color-error)">
      <IconAlertTriangle size={12} aria-hidden /> {strings.missing}
    </Text>
  );
}
