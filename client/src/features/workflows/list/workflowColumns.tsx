import { Badge, Group } from "@mantine/core";
import type { Column } from "@/shared/table/columns";
import type { Workflow } from "@/shared/workflows/metadataQuery";
import { strings } from "@/strings/workflows";
import { LastRun } from "./LastRun";
import type { LastRuns } from "./lastRuns";

interface Known {
  lastRuns: LastRuns | undefined;
  /** Whether the runs of everybody are known, or only those of the person. */
  isEverybody: boolean;
  isPaused: (workflow: Workflow) => boolean;
}

/** The columns of the list of workflows. */
export function workflowColumns({ lastRuns, isEverybody, isPaused }: Known): Column<Workflow>[] {
  return [
    { id: "name", title: strings.name, width: 210, isMain: true, render: ({ name }) => name },
    {
      id: "description",
      title: strings.description,
      width: 220,
      grows: true,
      card: "wide",
      render: ({ description }) => <span title={description}>{description}</span>,
    },
    {
      id: "category",
      title: strings.category,
      width: 130,
      card: "line",
      render: ({ category }) => category || strings.noCategory,
    },
    {
      id: "organization",
      title: strings.organization,
      width: 130,
      render: ({ requires_org }) => (requires_org ? strings.needsOrg : strings.needsNoOrg),
    },
    {
      id: "parameters",
      title: strings.parameters,
      width: 130,
      isOptional: true,
      render: ({ parameters }) =>
        strings.parameterCount(parameters.length, parameters.filter(({ required }) => required).length),
    },
    {
      id: "last-run",
      title: isEverybody ? strings.lastRun : strings.yourLastRun,
      width: 240,
      card: "line",
      render: (workflow) => (
        <Group gap="xs" wrap="nowrap">
          <LastRun workflow={workflow.name} lastRuns={lastRuns} />
          {isPaused(workflow) ? (
            <Badge size="sm" tt="none" fw={500} color="orange" variant="light">
              {strings.paused}
            </Badge>
          ) : null}
        </Group>
      ),
    },
  ];
}
