import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { matchPath, useBlocker, useLocation } from "react-router";
import { useMe } from "@/shared/me/me";
import { orgFrom } from "@/shared/org/org";
import { hasUnsavedInput } from "@/shared/unsaved/unsavedInput";
import { strings } from "@/strings/shell";

/**
 * Asks before unsaved input is left, and names the organizations when it is left by switching. A dialog that stands in
 * the URL (`?edit=`) is left with it, by Back for example.
 */
export function UnsavedGuard() {
  const me = useMe();
  const here = useLocation();
  const blocker = useBlocker(
    ({ currentLocation: from, nextLocation: to }) =>
      // Without a session nothing can be kept anyway, except in the form's draft.
      hasUnsavedInput() &&
      (from.pathname !== to.pathname || (isDialog(from.search) && from.search !== to.search)) &&
      to.pathname !== "/sign-in" &&
      to.pathname !== "/signed-out",
  );
  if (blocker.state !== "blocked") {
    return null;
  }
  const nameIn = (pathname: string) => {
    const id = matchPath("/o/:org/*", pathname)?.params.org;
    return id === undefined ? undefined : orgFrom(me, id)?.name;
  };
  const from = nameIn(here.pathname);
  const to = nameIn(blocker.location.pathname);
  const closes = blocker.location.pathname === here.pathname;
  const switches = from !== undefined && to !== undefined && from !== to;
  return (
    <Modal
      opened
      onClose={blocker.reset}
      title={switches ? strings.unsavedSwitch(to) : closes ? strings.unsavedClose : strings.unsavedLeave}
      size="md"
    >
      <Stack>
        <Text>{from === undefined ? strings.unsavedHint : strings.unsavedHintFor(from)}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={blocker.reset} data-autofocus>
            {closes ? strings.unsavedEdit : strings.unsavedStay}
          </Button>
          <Button color="red" onClick={blocker.proceed}>
            {switches
              ? strings.unsavedSwitchButton(to)
              : closes
                ? strings.unsavedCloseButton
                : strings.unsavedLeaveButton}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function isDialog(search: string): boolean {
  return new URLSearchParams(search).has("edit");
}
