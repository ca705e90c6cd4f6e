import { Button, Group, Text } from "@mantine/core";
import { Problem } from "@/shared/api/problem";
import { strings } from "@/strings/form";
import { useFormContext } from "../context";
import { type Field, titleOf } from "../schema";
import type { Offered } from "../useFieldOptions";

interface OptionsNoticeProps {
  field: Field;
  offered: Offered;
  /** What was chosen and is no longer offered. */
  dropped: string | undefined;
}

/** Under a field with options: why there are none, and the way on. */
export function OptionsNotice({ field, offered, dropped }: OptionsNoticeProps) {
  const { org, isAuthor } = useFormContext();
  const { error, items, isLoading, isTruncated, isComplete, refresh } = offered;
  const options = field.options;
  if (options?.source !== "option_generator") {
    return null;
  }
  const title = titleOf(field);
  if (error) {
    return (
      <Group gap="xs" mt={4} role="alert">
        <Text size="xs" c="var(--mantine-color-error)">
          {error instanceof Problem ? `${strings.optionsFailed}: ${error.message}` : strings.optionsFailed}
          {isAuthor && ` (${strings.generator(options.generator)})`}
        </Text>
        <Button
          size="compact-xs"
          variant="default"
          // The field keeps the focus, and with it the search that is asked again.
          onMouseDown={(event) => event.preventDefault()}
          onClick={refresh}
          aria-label={`${strings.retry}: ${title}`}
        >
          {strings.retry}
        </Button>
      </Group>
    );
  }
  if (isComplete && !isLoading && items.length === 0) {
    return (
      <Group gap="xs" mt={4}>
        <Text size="xs" c="dimmed">
          {strings.noOptions(title, org.name)}
        </Text>
        <Button size="compact-xs" variant="default" onClick={refresh} aria-label={strings.refreshOf(title)}>
          {strings.refresh}
        </Button>
      </Group>
    );
  }
  const hint = dropped === undefined ? isTruncated && strings.moreOnServer : strings.dropped(dropped);
  return hint ? (
    <Text size="xs" c="dimmed" mt={4}>
      {hint}
    </Text>
  ) : null;
}
