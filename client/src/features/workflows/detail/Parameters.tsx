import { Badge, Code, Group, Paper, Table, Text } from "@mantine/core";
import type { Workflow } from "@/shared/workflows/metadataQuery";
import { strings } from "@/strings/workflows";
import { limitsOf } from "./limits";
import classes from "./WorkflowPage.module.css";

type Parameter = Workflow["parameters"][number];

/** What a workflow asks for, in its author's order. */
export function Parameters({ parameters }: { parameters: Parameter[] }) {
  if (parameters.length === 0) {
    return <Text size="sm">{strings.noParameters}</Text>;
  }
  return (
    <Paper withBorder className={classes.scroll} tabIndex={0} role="group" aria-label={strings.parameters}>
      <Table fz="sm" aria-label={strings.parameters} verticalSpacing="xs" horizontalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{strings.parameter}</Table.Th>
            <Table.Th>{strings.type}</Table.Th>
            <Table.Th>{strings.defaultIs}</Table.Th>
            <Table.Th>{strings.choices}</Table.Th>
            <Table.Th>{strings.limits}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {parameters.map((parameter) => (
            <Table.Tr key={parameter.name}>
              <Table.Td>
                <Group gap={6} wrap="nowrap">
                  <Text fz="inherit" fw={500}>
                    {parameter.label ?? parameter.name}
                  </Text>
                  {parameter.required ? (
                    <Badge size="xs" tt="none" fw={500} variant="light">
                      {strings.required}
                    </Badge>
                  ) : null}
                </Group>
                <Code fz="xs">{parameter.name}</Code>
                {parameter.help ? (
                  <Text size="xs" c="dimmed">
                    {parameter.help}
                  </Text>
                ) : null}
              </Table.Td>
              <Table.Td>{strings.types[parameter.type]}</Table.Td>
              <Table.Td>{defaultOf(parameter)}</Table.Td>
              <Table.Td>{choicesOf(parameter)}</Table.Td>
              <Table.Td>{limitsOf(parameter).join(", ")}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

function defaultOf({ default: value }: Parameter) {
  return value === undefined || value === null ? null : <Code>{JSON.stringify(value)}</Code>;
}

function choicesOf({ options_from, options }: Parameter) {
  return options_from ? strings.choicesFrom(options_from) : (options?.map(String).join(", ") ?? null);
}
