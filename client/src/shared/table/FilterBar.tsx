import { Button, Collapse, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconFilter } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { strings } from "@/strings/table";
import { ChoiceFilter } from "./ChoiceFilter";
import { DaysFilter } from "./DaysFilter";
import { idsOf, type TableFilter } from "./filters";
import { SearchFilter } from "./SearchFilter";
import type { TableUrl } from "./useTableUrl";

interface FilterBarProps {
  filters: TableFilter[];
  url: TableUrl;
  isNarrow: boolean;
  /** What stands at the right end. */
  children?: ReactNode;
}

/** The filters of a table: each a chip that says what it is set to, opens its choices and can be removed. */
export function FilterBar({ filters, url, isNarrow, children }: FilterBarProps) {
  const [isOpen, { toggle }] = useDisclosure(false);
  const searches = filters.filter((filter) => filter.kind === "search");
  const chips = filters.filter((filter) => filter.kind !== "search");
  const setChips = chips.filter((filter) => idsOf(filter).some((id) => url.filters[id])).length;
  const isAnySet = Object.keys(url.filters).length > 0;

  const chipRow = (
    <>
      {chips.map((filter) =>
        filter.kind === "choice" ? (
          <ChoiceFilter
            key={filter.id}
            label={filter.label}
            choices={filter.choices}
            value={url.filters[filter.id]}
            onChange={(value) => url.setFilters({ [filter.id]: value })}
          />
        ) : (
          <DaysFilter
            key={filter.fromId}
            label={filter.label}
            from={url.filters[filter.fromId]}
            to={url.filters[filter.toId]}
            onChange={({ from, to }) => url.setFilters({ [filter.fromId]: from, [filter.toId]: to })}
          />
        ),
      )}
      {isAnySet ? (
        <Button size="xs" variant="subtle" onClick={url.clearFilters}>
          {strings.clearFilters}
        </Button>
      ) : null}
    </>
  );

  return (
    <Group gap="xs" mb="xs" role="search" aria-label={strings.filters}>
      {searches.map((filter) => (
        <SearchFilter
          key={filter.id}
          label={filter.label}
          value={url.filters[filter.id] ?? ""}
          onChange={(value) => url.setFilters({ [filter.id]: value }, { replace: true })}
        />
      ))}
      {isNarrow && chips.length > 0 ? (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconFilter size={14} aria-hidden />}
          aria-expanded={isOpen}
          onClick={toggle}
        >
          {strings.filterButton(setChips)}
        </Button>
      ) : (
        chipRow
      )}
      <Group gap="xs" ml="auto">
        {children}
      </Group>
      {isNarrow && chips.length > 0 ? (
        <Collapse expanded={isOpen} w="100%">
          <Group gap="xs">{chipRow}</Group>
        </Collapse>
      ) : null}
    </Group>
  );
}
