import { Combobox, ScrollArea, useCombobox } from "@mantine/core";
import { useState } from "react";
import { strings } from "@/strings/table";
import { FilterChip } from "./FilterChip";
import type { FilterChoice } from "./filters";

/** More choices than this get a search field of their own. */
const choicesWithoutSearch = 8;

interface ChoiceFilterProps {
  label: string;
  choices: FilterChoice[];
  value: string | undefined;
  onChange: (value: string | null) => void;
}

/** A filter with one value out of several. */
export function ChoiceFilter({ label, choices, value, onChange }: ChoiceFilterProps) {
  const [search, setSearch] = useState("");
  const hasSearch = choices.length > choicesWithoutSearch;
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
      combobox.focusTarget();
      setSearch("");
    },
    onDropdownOpen: () => {
      if (hasSearch) {
        combobox.focusSearchInput();
      }
    },
  });
  const wanted = search.trim().toLowerCase();
  const offered = choices.filter((choice) => choice.label.toLowerCase().includes(wanted));
  const chosen = value?.split(",") ?? [];
  // Several values, and some that are not among the choices, come by a link.
  const shown = chosen.map((one) => choices.find((choice) => choice.value === one)?.label ?? one).join(", ");

  return (
    <Combobox
      store={combobox}
      width={240}
      withinPortal={false}
      position="bottom-start"
      onOptionSubmit={(submitted) => {
        onChange(submitted === value ? null : submitted);
        combobox.closeDropdown();
      }}
    >
      <Combobox.Target targetType="button">
        <FilterChip
          label={label}
          shown={shown}
          onRemove={() => onChange(null)}
          onClick={() => combobox.toggleDropdown()}
        />
      </Combobox.Target>
      <Combobox.Dropdown>
        {hasSearch ? (
          <Combobox.Search
            aria-label={strings.searchChoices(label)}
            placeholder={strings.searchChoices(label)}
            value={search}
            onChange={(event) => {
              setSearch(event.currentTarget.value);
              combobox.selectFirstOption();
            }}
          />
        ) : null}
        <Combobox.Options aria-label={label}>
          <ScrollArea.Autosize mah={280} type="scroll">
            {offered.map((choice) => (
              <Combobox.Option key={choice.value} value={choice.value} active={chosen.includes(choice.value)}>
                {choice.label}
              </Combobox.Option>
            ))}
          </ScrollArea.Autosize>
          {offered.length === 0 ? <Combobox.Empty>{strings.noChoice}</Combobox.Empty> : null}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
