import { Button } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconPlayerPauseFilled } from "@tabler/icons-react";
import { type Me, type Pause, useMe } from "@/shared/me/me";
import { notifyProblem, notifySuccess } from "@/shared/states/notify";
import { RelativeTime } from "@/shared/time/RelativeTime";
import { strings } from "@/strings/shell";
import { Banner } from "./Banner";
import { pausesFor, useResume } from "./pauses";
import { useShellOrg } from "./useShellOrg";

/** What an emergency stop holds here: what, who, why, since when, and for those who may, the way on. */
export function PauseBanner() {
  const me = useMe();
  const org = useShellOrg();
  return pausesFor(me.pauses, org).map((pause) => <OnePause key={pause.id} pause={pause} me={me} />);
}

function OnePause({ pause, me }: { pause: Pause; me: Me }) {
  const resume = useResume();
  const what = whatIsPaused(pause, me);
  const ask = () =>
    modals.openConfirmModal({
      title: strings.resumeTitle(what),
      children: strings.resumeHint,
      labels: { confirm: strings.resume, cancel: strings.cancel },
      onConfirm: () =>
        resume.mutate(pause.id, {
          onSuccess: () => notifySuccess(strings.resumed(what)),
          onError: (error) => notifyProblem(strings.resumeFailed(what), error),
        }),
    });
  return (
    <Banner
      tone="stop"
      icon={IconPlayerPauseFilled}
      action={
        me.is_administrator && (
          <Button
            size="xs"
            variant="default"
            onClick={ask}
            loading={resume.isPending}
            aria-label={strings.resumeWhat(what)}
          >
            {strings.resume}
          </Button>
        )
      }
    >
      <strong>{strings.paused(what)}</strong> {strings.pausedBy(pause.paused_by_name)}{" "}
      <RelativeTime at={pause.paused_at} />: {pause.reason}
    </Banner>
  );
}

function whatIsPaused(pause: Pause, me: Me): string {
  if (pause.org_id) {
    return me.organizations.find(({ id }) => id === pause.org_id)?.name ?? strings.oneOrganization;
  }
  return pause.workflow ? strings.theWorkflow(pause.workflow) : strings.everything;
}
