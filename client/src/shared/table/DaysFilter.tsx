import { Popover, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { strings } from "@/strings/table";
import { FilterChip } from "./FilterChip";

interface DaysFilterProps {
  label: string;
  /** First and last day, `YYYY-MM-DD`. */
  from: string | undefined;
  to: string | undefined;
  onChange: (days: { from: string | null; to: string | null }) => void;
}

/** A filter for a span of days, open at either end. */
export function DaysFilter({ label, from, to, onChange }: DaysFilterProps) {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  return (
    <Popover
      opened={isOpen}
      onChange={(opened) => !opened && close()}
      position="bottom-start"
      withinPortal={false}
      trapFocus
      returnFocus
      shadow="md"
    >
      <Popover.Target>
        <FilterChip
          label={label}
          shown={strings.days(from, to)}
          onRemove={() => onChange({ from: null, to: null })}
          onClick={toggle}
        />
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        <Stack gap="xs">
          <TextInput
            type="date"
            size="xs"
            label={strings.firstDay}
            max={to}
            defaultValue={from}
            onChange={(event) => onChange({ from: event.currentTarget.value || null, to: to ?? null })}
          />
          <TextInput
            type="date"
            size="xs"
            label={strings.lastDay}
            min={from}
            defaultValue={to}
            onChange={(event) => onChange({ from: from ?? null, to: event.currentTarget.value || null })}
          />
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
