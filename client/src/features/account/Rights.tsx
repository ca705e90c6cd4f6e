import { Paper, Table, Text, TextInput, Title } from "@mantine/core";
import { IconCheck, IconMinus, IconSearch } from "@tabler/icons-react";
import { useId, useState } from "react";
import { type MyOrganization, type Permissions, useMe } from "@/shared/me/me";
import { strings } from "@/strings/account";
import classes from "./Account.module.css";

/** In the order people ask for them. */
const RIGHTS = ["execute_workflows", "view_history", "manage_forms", "manage_config"] as const;
/** With more organizations than this a filter helps. */
const FILTER_FROM = 10;

/** The rights of whoever is signed in, organization by organization. */
export function Rights() {
  const { organizations, is_administrator } = useMe();
  const [filter, setFilter] = useState("");
  const id = useId();
  const shown = organizations.filter(({ name }) => name.toLowerCase().includes(filter.trim().toLowerCase()));
  return (
    <Paper component="section" withBorder p="md" aria-labelledby={id}>
      <Title order={2} id={id}>
        {strings.rights}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {is_administrator ? strings.administratorHint : organizations.length === 0 && strings.noRights}
      </Text>
      {organizations.length >= FILTER_FROM && (
        <TextInput
          data-filter
          mb="sm"
          maw="20rem"
          aria-label={strings.filter}
          placeholder={strings.filter}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
        />
      )}
      {organizations.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        // biome-ignore lint/a11y/useSemanticElements: no fieldset
        <div className={classes.scroll} tabIndex={0} role="group" aria-labelledby={id}>
          <Table verticalSpacing={6} stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{strings.organization}</Table.Th>
                {RIGHTS.map((right) => (
                  <Table.Th key={right}>{strings.columns[right]}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.map((organization) => (
                <Row key={organization.id} organization={organization} />
              ))}
            </Table.Tbody>
          </Table>
          {shown.length === 0 && <Text p="sm">{strings.noMatch}</Text>}
        </div>
      )}
    </Paper>
  );
}

function Row({ organization: { name, is_active, permissions } }: { organization: MyOrganization }) {
  return (
    <Table.Tr>
      <Table.Th scope="row">
        {name}
        {!is_active && (
          <Text span size="sm" c="dimmed">
            {" "}
            ({strings.inactive})
          </Text>
        )}
      </Table.Th>
      {RIGHTS.map((right) => (
        <Table.Td key={right}>
          <Has right={right} of={permissions} />
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function Has({ right, of }: { right: keyof Permissions; of: Partial<Permissions> }) {
  return of[right] ? (
    <span className={classes.yes}>
      <IconCheck size={16} aria-hidden /> {strings.yes}
    </span>
  ) : (
    <span className={classes.no}>
      <IconMinus size={16} aria-hidden /> {strings.no}
    </span>
  );
}
