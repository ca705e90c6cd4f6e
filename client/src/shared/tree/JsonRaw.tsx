import { Group, Stack, Text } from "@mantine/core";
import { useMemo } from "react";
import { strings } from "@/strings/tree";
import { CopyText } from "./CopyText";
import classes from "./JsonTree.module.css";
import { dots } from "./JsonValue";
import type { Json } from "./json";

/** More characters are not shown: laying out megabytes of text stops the page. */
const MAX_CHARACTERS = 256 * 1024;

/** JSON as indented text. */
export function JsonRaw({ value, label }: { value: Json; label: string }) {
  const text = useMemo(() => JSON.stringify(value, null, 2), [value]);
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text size="xs" c="dimmed">
          {text.length > MAX_CHARACTERS && strings.rawCut("256 KB")}
        </Text>
        <CopyText label={strings.copyValue} text={() => text} />
      </Group>
      <RawText text={text.slice(0, MAX_CHARACTERS)} label={label} />
    </Stack>
  );
}

/** Text as it is, in a box that scrolls. */
export function RawText({ text, label }: { text: string; label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={classes.raw} tabIndex={0} aria-label={label}>
      <pre>{dots(text)}</pre>
    </section>
  );
}
