import { Button } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { strings } from "@/strings/tree";

interface CopyTextProps {
  label: string;
  /** Made when it is copied: it may be long. */
  text: () => string;
}

/** A button that copies a text. */
export function CopyText({ label, text }: CopyTextProps) {
  const { copied, copy } = useClipboard({ timeout: 2_000 });
  const Icon = copied ? IconCheck : IconCopy;
  return (
    <Button variant="default" size="xs" leftSection={<Icon size={14} aria-hidden />} onClick={() => copy(text())}>
      {copied ? strings.copied : label}
    </Button>
  );
}
