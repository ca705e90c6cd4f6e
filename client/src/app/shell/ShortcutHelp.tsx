import { Anchor, Group, Kbd, Modal, Stack, Text } from "@mantine/core";
import { Link } from "react-router";
import { usePreferences } from "@/shared/preferences/preferences";
import { strings } from "@/strings/shell";

/** Every key there is. */
export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const { shortcuts } = usePreferences();
  return (
    <Modal opened onClose={onClose} title={strings.shortcuts}>
      <Stack gap="xs">
        {!shortcuts && <Text>{strings.shortcutsOff}</Text>}
        {strings.shortcutList.map(([keys, what]) => (
          <Group key={keys} justify="space-between" wrap="nowrap">
            <Text>{what}</Text>
            <Group gap={4} wrap="nowrap">
              {keys.split(" ").map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </Group>
          </Group>
        ))}
        <Text size="sm" c="dimmed">
          {strings.shortcutsHint}{" "}
          <Anchor component={Link} to="/account" size="sm" underline="always" onClick={onClose}>
            {strings.account}
          </Anchor>
          .
        </Text>
      </Stack>
    </Modal>
  );
}
