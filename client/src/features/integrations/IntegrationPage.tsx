import { Anchor, Button, Group, Stack, Text, Title, Tooltip } from "@mantine/core";
import { IconPlugConnected, IconPlugOff } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { ChooseOrganization } from "@/shared/org/ChooseOrganization";
import { type Org, orgPath, useOrg } from "@/shared/org/org";
import { Page } from "@/shared/page/Page";
import { Denied } from "@/shared/states/Denied";
import { Empty } from "@/shared/states/Empty";
import { ErrorState } from "@/shared/states/ErrorState";
import { ProblemAlert } from "@/shared/states/ProblemAlert";
import { RowsSkeleton } from "@/shared/states/Skeletons";
import { strings } from "@/strings/integrations";
import { CheckResult } from "./CheckResult";
import { DeleteIntegration } from "./DeleteIntegration";
import {
  type IntegrationType,
  integrationQuery,
  integrationTypesQuery,
  useTestIntegration,
  type Versioned,
} from "./integrationsApi";
import { SettingsForm } from "./SettingsForm";
import { StateBadge, stateOf } from "./StateBadge";
import { SwitchButton } from "./SwitchButton";

/** One integration of an organization: whether it is on, whether it works, and its settings. */
export default function IntegrationPage() {
  const org = useOrg();
  const { type = "" } = useParams();
  const mayLook = org.permissions.manage_config;
  const types = useQuery({ ...integrationTypesQuery, enabled: mayLook });
  const stored = useQuery({ ...integrationQuery(org.id, type), enabled: mayLook && !org.isAll });
  const found = types.data?.items.find((one) => one.type === type);
  const title = found?.title ?? type;

  const frame = (children: ReactNode) => <Page title={title}>{children}</Page>;
  if (!mayLook) {
    return frame(<Denied right="manage_config" />);
  }
  if (org.isAll) {
    return frame(<ChooseOrganization what={title} rest={`integrations/${type}`} />);
  }
  const failed = [types, stored].find(({ error, data }) => error && !data);
  if (failed) {
    return frame(<ErrorState title={strings.failed} error={failed.error} onRetry={() => void failed.refetch()} />);
  }
  if (types.data && !found) {
    return frame(
      <Empty title={strings.unknown(type)} icon={IconPlugOff}>
        <Anchor component={Link} to={orgPath(org.id, "integrations")} size="sm">
          {strings.backToList}
        </Anchor>
      </Empty>,
    );
  }
  if (!found || !stored.data) {
    return frame(<RowsSkeleton />);
  }
  return <Shown org={org} type={found} current={stored.data} />;
}

function Shown({ org, type, current }: { org: Org; type: IntegrationType; current: Versioned }) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [isDirty, setIsDirty] = useState(false);
  const [isDeleting, setIsDeleting] = useState(false);
  // What somebody else saves meanwhile must not take away what is being typed: saving will say so.
  const [edited, setEdited] = useState(current);
  if (!isDirty && edited !== current) {
    setEdited(current);
  }
  const { integration, etag } = current;
  const state = stateOf(integration);
  const hints = {
    on: null,
    off: strings.offHint,
    incomplete: strings.incompleteHint,
    absent: strings.absentHint(org.name),
  };

  return (
    <Page
      title={type.title}
      description={type.description}
      actions={
        integration ? (
          <>
            <SwitchButton org={org} type={type} integration={integration} etag={etag} isHeldBack={isDirty} />
            <Button variant="light" color="red" onClick={() => setIsDeleting(true)}>
              {strings.remove(org.name)}
            </Button>
          </>
        ) : null
      }
    >
      <Group gap="sm">
        <StateBadge state={state} />
        {hints[state] ? <Text size="sm">{hints[state]}</Text> : null}
      </Group>
      {integration ? <Connection org={org} type={type} current={current} isDirty={isDirty} /> : null}
      <Stack gap="xs" component="section" aria-label={strings.settings}>
        <Title order={2}>{strings.settings}</Title>
        <SettingsForm
          key={edited.etag}
          org={org}
          type={type}
          current={edited}
          onDirty={setIsDirty}
          onReload={() => void queryClient.resetQueries({ queryKey: integrationQuery(org.id, type.type).queryKey })}
        />
      </Stack>
      {isDeleting ? (
        <DeleteIntegration
          org={org}
          type={type}
          onClose={() => setIsDeleting(false)}
          onDeleted={() => navigate(orgPath(org.id, "integrations"))}
        />
      ) : null}
    </Page>
  );
}

interface ConnectionProps {
  org: Org;
  type: IntegrationType;
  current: Versioned;
  isDirty: boolean;
}

/** The test of the stored settings, and what came of the last one. */
function Connection({ org, type, current, isDirty }: ConnectionProps) {
  const test = useTestIntegration(org.id, type.type);
  const check = test.data ?? current.integration?.last_check;
  return (
    <Stack gap="xs" component="section" aria-label={strings.connection} maw="44rem">
      <Group justify="space-between">
        <Title order={2}>{strings.connection}</Title>
        <Tooltip label={strings.testNeedsSaving} disabled={!isDirty} events={{ hover: true, focus: true, touch: true }}>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlugConnected size={14} aria-hidden />}
            loading={test.isPending}
            aria-disabled={isDirty}
            data-disabled={isDirty || undefined}
            onClick={() => isDirty || test.mutate()}
          >
            {strings.test}
          </Button>
        </Tooltip>
      </Group>
      {test.error ? <ProblemAlert title={strings.testFailed} problem={test.error} /> : null}
      {check && !test.error ? <CheckResult check={check} /> : null}
      {!check && !test.error ? (
        <Text size="sm" c="dimmed">
          {strings.notChecked}
        </Text>
      ) : null}
    </Stack>
  );
}
