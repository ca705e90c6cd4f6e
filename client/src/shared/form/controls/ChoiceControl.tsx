import { type ComboboxItem, Loader, MultiSelect, type OptionsFilter, Select, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useRef, useState } from "react";
import { strings } from "@/strings/form";
import { isScalar } from "../rules/values";
import type { OptionItem, Scalar } from "../schema";
import { type ControlProps, useEntry } from "../useEntry";
import { type Offered, useFieldOptions } from "../useFieldOptions";
import { OptionsNotice } from "./OptionsNotice";
import { useChosen } from "./useChosen";

/** Time between the last key press and the question to the server. */
const SEARCH_AFTER_MS = 250;
/** Most options drawn at once; the search finds the others. */
const DRAWN = 200;

const keepAll: OptionsFilter = ({ options }) => options;

/** One of the offered values, or several, searched in a list. */
export function ChoiceControl(props: ControlProps) {
  const { field, required } = props;
  const { value, change, blur, around, aria } = useEntry(props);
  const [search, setSearch] = useState("");
  const [asked] = useDebouncedValue(search, SEARCH_AFTER_MS);
  const everything = useFieldOptions(field, "");
  const found = useFieldOptions(field, everything.isTruncated ? asked.trim() : "");
  const offered = everything.isTruncated ? found : everything;
  const seen = useSeen(everything.items, offered.items);
  const dropped = useChosen(field, everything, value, change);

  const isMany = field.type === "multi_select";
  const chosen: Scalar[] = (Array.isArray(value) ? value : [value]).filter(isScalar).filter((one) => one !== "");
  const custom = field.options?.allow_custom === true ? search.trim() : "";
  const items = shown(offered.items, chosen, custom, seen);
  const isWaiting = everything.waitsFor.length > 0;
  const common = {
    ...around,
    ...aria,
    placeholder: isWaiting
      ? strings.chooseFirst(everything.waitsFor.join(strings.and))
      : field.placeholder || (chosen.length === 0 ? strings.choose : undefined),
    disabled: isWaiting,
    searchable: true,
    // The focus also comes after a failed submit: an open list would hide the message.
    openOnFocus: false,
    clearable: !required || isMany,
    clearButtonProps: { "aria-label": strings.clear(around.label), "aria-hidden": false, tabIndex: 0 },
    data: grouped(items),
    limit: DRAWN,
    nothingFoundMessage: offered.isLoading
      ? strings.loadingOptions(around.label)
      : offered.error
        ? strings.optionsFailed
        : strings.nothingFound,
    // The server has searched already.
    ...(everything.isTruncated && { filter: keepAll }),
    onBlur: () => {
      setSearch("");
      blur();
    },
    renderOption: ({ option }: { option: ComboboxItem }) => (
      <OptionLine item={byKey(items, option.value)} label={option.label} />
    ),
    rightSection: offered.isLoading ? (
      <Loader size="xs" aria-label={strings.loadingOptions(around.label)} />
    ) : undefined,
    // Inside the form, where screen readers find it among the landmarks.
    comboboxProps: { withinPortal: false, shadow: "md" },
  };
  return (
    <div>
      {isMany ? (
        <MultiSelect
          {...common}
          value={chosen.map(keyOf)}
          onChange={(keys) => change(keys.map(readKey))}
          onSearchChange={setSearch}
        />
      ) : (
        <Select
          {...common}
          allowDeselect={!required}
          value={chosen[0] === undefined ? null : keyOf(chosen[0])}
          onChange={(key) => change(key === null ? null : readKey(key))}
          onSearchChange={(text) => setSearch(text === labelOf(items, chosen[0]) ? "" : text)}
        />
      )}
      <OptionsNotice field={field} offered={offered.error ? offered : everything} dropped={dropped} />
    </div>
  );
}

function OptionLine({ item, label }: { item: OptionItem | undefined; label: string }) {
  return (
    <div>
      <Text size="sm">{label}</Text>
      {item?.description && (
        <Text size="xs" c="dimmed">
          {item.description}
        </Text>
      )}
    </div>
  );
}

/** Every option that was offered so far by its key, so that one chosen from a search keeps its label after it. */
function useSeen(...answers: OptionItem[][]): Map<string, OptionItem> {
  const seen = useRef(new Map<string, OptionItem>());
  for (const item of answers.flat()) {
    seen.current.set(keyOf(item.value), item);
  }
  return seen.current;
}

/** The list knows texts only: a value stands in it as its JSON, so that `1` and `"1"` stay apart. */
function keyOf(value: Scalar): string {
  return JSON.stringify(value);
}

function readKey(key: string): unknown {
  return JSON.parse(key);
}

function byKey(items: Offered["items"], key: string): OptionItem | undefined {
  return items.find(({ value }) => keyOf(value) === key);
}

function labelOf(items: Offered["items"], value: Scalar | undefined): string | undefined {
  return value === undefined ? undefined : byKey(items, keyOf(value))?.label;
}

/** What is listed: the options, what is chosen without being among them, and what may be entered instead. */
function shown(
  items: OptionItem[],
  chosen: Scalar[],
  custom: string,
  seen: ReadonlyMap<string, OptionItem>,
): OptionItem[] {
  const missing = chosen
    .filter((value) => !byKey(items, keyOf(value)))
    .map((value) => seen.get(keyOf(value)) ?? { value, label: String(value) });
  const isNew = custom !== "" && ![...items, ...missing].some(({ label }) => label === custom);
  return [...items, ...missing, ...(isNew ? [{ value: custom, label: strings.enterCustom(custom) }] : [])];
}

function grouped(items: OptionItem[]) {
  const lines = (list: OptionItem[]) =>
    list.map(({ label, value, disabled }) => ({ label, value: keyOf(value), disabled: disabled ?? false }));
  const groups = [...new Set(items.map(({ group }) => group ?? ""))];
  if (groups.every((group) => group === "")) {
    return lines(items);
  }
  return groups.map((group) => ({ group, items: lines(items.filter((item) => (item.group ?? "") === group)) }));
}
