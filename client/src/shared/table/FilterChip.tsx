import { Button, type ButtonProps, CloseButton, Group } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import type { ComponentPropsWithRef } from "react";
import { strings } from "@/strings/table";
import classes from "./DataTable.module.css";

interface FilterChipProps extends ButtonProps, Omit<ComponentPropsWithRef<"button">, keyof ButtonProps> {
  label: string;
  /** What the filter is set to, in words. */
  shown: string | undefined;
  onRemove: () => void;
}

/** A filter as a chip. Props of a pop-over's target go to its button. */
export function FilterChip({ label, shown, onRemove, ref, ...target }: FilterChipProps) {
  return (
    <Group gap={0} wrap="nowrap" className={classes.chip} data-set={shown ? true : undefined}>
      <Button
        ref={ref}
        size="xs"
        variant="subtle"
        fw={500}
        color={shown ? undefined : "gray"}
        rightSection={shown ? null : <IconChevronDown size={12} aria-hidden />}
        {...target}
      >
        {shown ? `${label}: ${shown}` : label}
      </Button>
      {shown ? <CloseButton size="sm" aria-label={strings.removeFilter(label)} onClick={onRemove} /> : null}
    </Group>
  );
}
