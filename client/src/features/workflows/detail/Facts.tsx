import { Paper, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { formatDuration } from "@/shared/time/format";
import type { Workflow } from "@/shared/workflows/metadataQuery";
import { strings } from "@/strings/workflows";
import classes from "./WorkflowPage.module.css";

/** What holds for every run of a workflow. */
export function Facts({ workflow }: { workflow: Workflow }) {
  return (
    <Paper withBorder p="sm" component="dl" className={classes.facts}>
      <Fact name={strings.category}>{workflow.category || strings.noCategory}</Fact>
      <Fact name={strings.runsFor}>{workflow.requires_org ? strings.runsForOne : strings.runsForAny}</Fact>
      <Fact name={strings.timeout}>{formatDuration(workflow.timeout_seconds * 1_000)}</Fact>
      <Fact name={strings.process}>{workflow.exclusive ? strings.exclusive : strings.shared}</Fact>
      <Fact name={strings.source}>
        <Text component="span" ff="monospace" fz="inherit">
          {workflow.file}:{workflow.line}
        </Text>
      </Fact>
    </Paper>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">
        {name}
      </Text>
      <Text component="dd" size="sm" m={0}>
        {children}
      </Text>
    </div>
  );
}
