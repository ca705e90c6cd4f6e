import { Button, Group, NativeSelect, Text } from "@mantine/core";
import { IconArrowLeft, IconArrowRight } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { strings } from "@/strings/table";
import { pageSizes, type TableUrl } from "./useTableUrl";

interface PagerProps {
  url: TableUrl;
  /** Where the next page begins; absent at the end. */
  nextCursor: string | null | undefined;
  rowCount: number;
  onSize: (size: number) => void;
  /** How far back the server looked, and the like. */
  note?: ReactNode;
}

/** Newer, Older and the page size of a table that is paged by cursor. */
export function Pager({ url, nextCursor, rowCount, onSize, note }: PagerProps) {
  return (
    <Group justify="space-between" gap="xs" mt="xs">
      <Text size="sm" c="dimmed">
        {strings.rows(rowCount)}
        {note ? <> · {note}</> : null}
      </Text>
      <Group gap="xs" component="nav" aria-label={strings.pages}>
        <NativeSelect
          size="xs"
          aria-label={strings.pageSize}
          data={pageSizes.map((size) => ({ value: String(size), label: strings.perPage(size) }))}
          value={String(url.size)}
          onChange={(event) => onSize(Number(event.currentTarget.value))}
        />
        <Button
          size="xs"
          variant="default"
          leftSection={<IconArrowLeft size={14} aria-hidden />}
          disabled={url.isFirstPage}
          onClick={url.newer}
        >
          {strings.newer}
        </Button>
        <Button
          size="xs"
          variant="default"
          rightSection={<IconArrowRight size={14} aria-hidden />}
          disabled={!nextCursor}
          onClick={() => nextCursor && url.older(nextCursor)}
        >
          {strings.older}
        </Button>
      </Group>
    </Group>
  );
}
