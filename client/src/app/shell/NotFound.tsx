import { Anchor } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "react-router";
import { Page } from "@/shared/page/Page";
import { Empty } from "@/shared/states/Empty";
import { strings } from "@/strings/shell";

/** An address that leads nowhere. */
export function NotFound() {
  return (
    <Page title={strings.notFound}>
      <Empty icon={IconMapOff} title={strings.notFoundHint}>
        <Anchor component={Link} to="/">
          {strings.notFoundHome}
        </Anchor>
      </Empty>
    </Page>
  );
}
