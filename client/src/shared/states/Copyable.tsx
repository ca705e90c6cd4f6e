import { ActionIcon, Code, CopyButton, Group, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { strings } from "@/strings/shared";

/** A text in monospace with a button that copies it. `what` names it for screen readers: "request id". */
export function Copyable({ value, what }: { value: string; what: string }) {
  return (
    <Group gap={4} wrap="nowrap" display="inline-flex" maw="100%">
      <Code style={{ overflowWrap: "anywhere" }}>{value}</Code>
      <CopyButton value={value} timeout={2_000}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? strings.copied : `${strings.copy} ${what}`}>
            <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={`${strings.copy} ${what}`}>
              {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  );
}
