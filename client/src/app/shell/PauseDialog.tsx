import { Button, Checkbox, Group, Modal, Radio, Select, Stack, Text, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useMe } from "@/shared/me/me";
import { notifySuccess } from "@/shared/states/notify";
import { ProblemAlert } from "@/shared/states/ProblemAlert";
import { metadataQuery } from "@/shared/workflows/metadataQuery";
import { strings } from "@/strings/shell";
import { usePause } from "./pauses";
import { useShellOrg } from "./useShellOrg";

const LONGEST_REASON = 500;

/** The emergency stop: holds everything, one organization or one workflow, with a reason that all who are refused read. */
export function PauseDialog({ onClose }: { onClose: () => void }) {
  const { organizations } = useMe();
  const here = useShellOrg();
  const metadata = useQuery(metadataQuery(here.id));
  const pause = usePause();
  const [target, setTarget] = useState<"all" | "organization" | "workflow">(here.isAll ? "all" : "organization");
  const [orgId, setOrgId] = useState<string | null>(here.isAll ? null : here.id);
  const [workflow, setWorkflow] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const [cancelRunning, setCancelRunning] = useState(false);
  const [tried, setTried] = useState(false);

  const orgName = organizations.find(({ id }) => id === orgId)?.name;
  const what = { all: strings.everything, organization: orgName, workflow: workflow ?? undefined }[target];
  const id = { all: "all", organization: `organization:${orgId}`, workflow: `workflow:${workflow}` }[target];

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (what === undefined || reason.trim() === "") {
      return;
    }
    pause.mutate(
      { id, reason: reason.trim(), cancel_running: cancelRunning },
      {
        onSuccess: ({ cancelling }) => {
          notifySuccess(strings.pausedNow(what), cancelling > 0 ? strings.cancelling(cancelling) : "");
          onClose();
        },
      },
    );
  };

  return (
    <Modal opened onClose={onClose} title={strings.pauseTitle}>
      <form onSubmit={submit} noValidate>
        <Stack>
          <Text size="sm">{strings.pauseHint}</Text>
          <Radio.Group label={strings.pauseWhat} value={target} onChange={setTarget}>
            <Stack gap="xs" mt={4}>
              <Radio value="organization" label={strings.oneOrganization} />
              <Radio value="workflow" label={strings.oneWorkflow} />
              <Radio value="all" label={strings.everything} />
            </Stack>
          </Radio.Group>
          {target === "organization" && (
            <Select
              label={strings.organization}
              required
              searchable
              limit={50}
              data={organizations.map(({ id: value, name: label }) => ({ value, label }))}
              value={orgId}
              onChange={setOrgId}
              error={tried && orgId === null && strings.chooseOne}
            />
          )}
          {target === "workflow" && (
            <Select
              label={strings.workflow}
              required
              searchable
              data={metadata.data?.workflows.map(({ name }) => name) ?? []}
              value={workflow}
              onChange={setWorkflow}
              error={tried && workflow === null && strings.chooseOne}
            />
          )}
          <Textarea
            label={strings.reason}
            description={strings.reasonHint}
            required
            autosize
            maxLength={LONGEST_REASON}
            value={reason}
            // One line, as everybody who is refused reads it.
            onChange={(event) => setReason(event.currentTarget.value.replace(/\s*\n\s*/g, " "))}
            error={tried && reason.trim() === "" && strings.reasonMissing}
          />
          <Checkbox
            label={strings.cancelRunning}
            description={strings.cancelRunningHint}
            checked={cancelRunning}
            onChange={(event) => setCancelRunning(event.currentTarget.checked)}
          />
          {pause.error && <ProblemAlert problem={pause.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {strings.cancel}
            </Button>
            <Button type="submit" color="red" loading={pause.isPending}>
              {what === undefined ? strings.pause : strings.pauseIt(what)}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
