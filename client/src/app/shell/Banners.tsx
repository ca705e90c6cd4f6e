import { Button } from "@mantine/core";
import { IconPlugConnectedX, IconRefresh } from "@tabler/icons-react";
import { connection, useConnection } from "@/shared/api/connection";
import { strings as common } from "@/strings/shared";
import { strings } from "@/strings/shell";
import { Banner } from "./Banner";
import { PauseBanner } from "./PauseBanner";
import { useUpdate } from "./useUpdate";

/** What everybody must know wherever they are: no server, a newer client, an emergency stop. */
export function Banners() {
  const state = useConnection();
  const updated = useUpdate();
  return (
    // A live region must be there before what it announces.
    <section aria-label={strings.notices} aria-live="polite">
      {state !== "ok" && (
        <Banner
          tone="warn"
          icon={IconPlugConnectedX}
          action={
            <Button size="xs" variant="default" onClick={() => void connection.look()}>
              {common.retry}
            </Button>
          }
        >
          {state === "restarting" ? strings.restarting : strings.offline}
        </Banner>
      )}
      {updated && (
        <Banner
          tone="info"
          icon={IconRefresh}
          action={
            <Button size="xs" variant="default" onClick={() => window.location.reload()}>
              {strings.reloadToUpdate}
            </Button>
          }
        >
          {strings.newVersion}.
        </Banner>
      )}
      <PauseBanner />
    </section>
  );
}
