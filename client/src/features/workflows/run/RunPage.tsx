import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link, useLocation, useNavigate, useParams, useSearchParams } from "react-router";
import { valuesFromUrl } from "@/shared/form/rules/entries";
import { SchemaForm } from "@/shared/form/SchemaForm";
import { schemaOfWorkflow } from "@/shared/form/schemaOfWorkflow";
import { uploadTo } from "@/shared/form/upload";
import { useMe } from "@/shared/me/me";
import { ChooseOrganization } from "@/shared/org/ChooseOrganization";
import { type Org, orgPath, useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { Denied } from "@/shared/states/Denied";
import { Empty } from "@/shared/states/Empty";
import { ErrorState } from "@/shared/states/ErrorState";
import { ProblemAlert } from "@/shared/states/ProblemAlert";
import { PageSkeleton } from "@/shared/states/Skeletons";
import { metadataQuery, type Workflow } from "@/shared/workflows/metadataQuery";
import { runRest, runTarget } from "@/shared/workflows/paths";
import { pauseOf } from "@/shared/workflows/pauseOf";
import { strings } from "@/strings/run";
import type { components } from "@/types/api";
import { AgainNotice } from "./AgainNotice";
import { againOf, type EarlierRun, earlierRunQuery } from "./earlierRun";
import { startRun } from "./startRun";

type Metadata = components["schemas"]["BundleMetadata"];

/** Runs a workflow for one organization, with a form made from its parameters. `?from=` repeats an earlier run. */
export default function RunPage() {
  const { name = "" } = useParams();
  const { search } = useLocation();
  const org = useOrg();
  const [query] = useSearchParams();
  const from = query.get("from");
  const metadata = useQuery(metadataQuery(org.id));
  const earlier = useQuery({ ...earlierRunQuery(org.id, from ?? ""), enabled: from !== null });
  const workflow = metadata.data?.workflows.find((known) => known.name === name);
  return (
    <Page title={strings.title(name)} description={workflow?.description}>
      {/* Once there is a form it stays: a failed look for news must not take away what was entered. */}
      {!metadata.data ? (
        metadata.isError ? (
          <ErrorState title={strings.loadFailed} error={metadata.error} onRetry={() => void metadata.refetch()} />
        ) : (
          <PageSkeleton />
        )
      ) : from !== null && !earlier.isFetched ? (
        <PageSkeleton />
      ) : !workflow ? (
        <Empty title={strings.notFound(name)}>
          {strings.notFoundHint}{" "}
          <Anchor component={Link} to={orgPath(org.id, "workflows")} size="sm">
            {strings.allWorkflows}
          </Anchor>
        </Empty>
      ) : workflow.requires_org && org.isAll ? (
        <ChooseOrganization what={strings.what} rest={runRest(name) + search} />
      ) : !org.permissions.execute_workflows ? (
        <Denied right="execute_workflows" />
      ) : (
        <>
          {earlier.isError && !earlier.data && <ProblemAlert title={strings.againFailed} problem={earlier.error} />}
          <RunForm
            // Another organization or another run to repeat is another form.
            key={`${org.id} ${name} ${from} ${earlier.data?.id}`}
            org={org}
            workflow={workflow}
            metadata={metadata.data}
            earlier={earlier.data}
          />
        </>
      )}
    </Page>
  );
}

interface RunFormProps {
  org: Org;
  workflow: Workflow;
  metadata: Metadata;
  earlier: EarlierRun | undefined;
}

function RunForm({ org, workflow, metadata, earlier }: RunFormProps) {
  const me = useMe();
  const navigate = useNavigate();
  const [query] = useSearchParams();
  const schema = useMemo(() => schemaOfWorkflow(workflow, metadata.option_generators), [workflow, metadata]);
  const again = earlier && againOf(earlier, schema, metadata.bundle, org.id);
  const asked = useMemo(() => ({ id: org.id, name: org.name }), [org.id, org.name]);
  const upload = useMemo(() => uploadTo(org.id), [org.id]);
  const target = runTarget(org, workflow, pauseOf(me, org.id, workflow.name));
  return (
    <>
      {again && <AgainNotice again={again} orgName={org.name} />}
      {org.isAll && <Text size="sm">{strings.without}</Text>}
      {schema.fields.length === 0 && <Text size="sm">{strings.noParameters}</Text>}
      <SchemaForm
        schema={schema}
        org={asked}
        submitLabel={target.label}
        confirm={
          schema.confirm
            ? { title: strings.confirmTitle(org.name), text: strings.confirmText(schema.name, org.name) }
            : undefined
        }
        initial={[again?.input ?? {}, valuesFromUrl(schema, query)]}
        draftKey={[`workflow:${workflow.name}${earlier ? `:${earlier.id}` : ""}`, org.id, me.user.id]}
        isAuthor={org.permissions.manage_forms}
        upload={upload}
        blocked={target.disabledReason}
        send={(values, idempotencyKey) =>
          startRun({
            orgId: org.id,
            workflow: workflow.name,
            values,
            idempotencyKey,
            again: again?.isLinked ? { id: again.run.id, input: { ...again.input } } : undefined,
          })
        }
        onSent={(id) => navigate(orgPath(org.id, `executions/${id}`))}
      />
    </>
  );
}
