// biome-ignore-all lint/a11y/useSemanticElements: a grid that belongs to a combobox is no table
import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { type KeyboardEvent, type MouseEvent, useCallback, useDeferredValue, useId, useMemo, useState } from "react";
import { useMe } from "@/shared/me/me";
import { toggled, usePreferences, useSetPreferences } from "@/shared/preferences/preferences";
import { strings as common } from "@/strings/shared";
import { strings } from "@/strings/shell";
import { OrgGroupRows } from "./OrgGroupRows";
import classes from "./OrgPicker.module.css";
import { type OrgGroup, orgGroups } from "./orgGroups";

/** What the arrow keys point at: a row, and in it the organization or its star. */
interface Cursor {
  row: number;
  onStar: boolean;
}

/** More rows than fit into the list. */
const SHOWN_AT_ONCE = 20;

interface OrgPickerProps {
  current: string;
  onChoose: (id: string) => void;
}

/**
 * All organizations with a search: a combobox whose popup is a grid, because each row has a star besides its name.
 * Up and down choose a row, right and left go to the star and back, Enter does it.
 */
export function OrgPicker({ current, onChoose }: OrgPickerProps) {
  const { organizations } = useMe();
  const { favourites, recent } = usePreferences();
  const setPreferences = useSetPreferences();
  const id = useId();
  const [search, setSearch] = useState("");
  // Stars and visits change the order; while the list is open it stays as it was, so that nothing jumps.
  const [order] = useState({ favourites, recent });
  const groups = useMemo(() => orgGroups(organizations, order, search), [organizations, order, search]);
  const rows = useMemo(() => {
    const all = search.trim() === "" ? ["all"] : [];
    return [...all, ...groups.flatMap((group) => group.organizations.map((organization) => organization.id))];
  }, [groups, search]);
  const [cursor, setCursor] = useState<Cursor>(() => ({ row: Math.max(rows.indexOf(current), 0), onStar: false }));
  // What is in sight is there at once, the rest a moment later.
  const shownGroups = useDeferredValue(groups, beginningOf(groups));

  const toggleStar = useCallback(
    (orgId: string) => setPreferences((now) => ({ favourites: toggled(now.favourites, orgId) })),
    [setPreferences],
  );

  const act = (orgId: string | undefined, onStar: boolean) => {
    if (orgId !== undefined) {
      onStar && orgId !== "all" ? toggleStar(orgId) : onChoose(orgId);
    }
  };
  const point = (row: number, onStar: boolean) => {
    const clamped = Math.min(Math.max(row, 0), rows.length - 1);
    setCursor({ row: clamped, onStar });
    document.getElementById(`${id}-${clamped}`)?.scrollIntoView({ block: "nearest" });
  };

  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    const { row, onStar } = cursor;
    const atEnd = event.currentTarget.selectionStart === search.length;
    if (event.key === "ArrowDown") {
      point(row + 1, onStar);
    } else if (event.key === "ArrowUp") {
      point(row - 1, onStar);
    } else if (event.key === "ArrowRight" && !onStar && atEnd && rows[row] !== "all") {
      point(row, true);
    } else if (event.key === "ArrowLeft" && onStar) {
      point(row, false);
    } else if (event.key === "Enter") {
      act(rows[row], onStar);
    } else {
      return;
    }
    event.preventDefault();
  };
  const onClick = (event: MouseEvent) => {
    // By its id: while a search is drawn, the rows in sight are not yet those it found.
    const cell = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-org]") : null;
    if (cell) {
      act(cell.dataset.org, cell.dataset.star !== undefined);
    }
  };

  let next = rows[0] === "all" ? 1 : 0;
  return (
    <div className={classes.picker}>
      <TextInput
        data-autofocus
        aria-label={strings.searchOrganizations}
        placeholder={strings.searchOrganizations}
        leftSection={<IconSearch size={16} aria-hidden />}
        className={classes.search}
        role="combobox"
        aria-expanded
        aria-haspopup="grid"
        aria-controls={`${id}-grid`}
        aria-activedescendant={rows.length > 0 ? `${id}-${cursor.row}${cursor.onStar ? "-star" : ""}` : undefined}
        value={search}
        onChange={(event) => {
          setSearch(event.currentTarget.value);
          setCursor({ row: 0, onStar: false });
        }}
        onKeyDown={onKeyDown}
      />
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keys are handled by the search, which keeps the focus */}
      <div
        id={`${id}-grid`}
        role="grid"
        tabIndex={-1}
        aria-label={strings.organizations}
        className={classes.grid}
        onClick={onClick}
        onMouseDown={(event) => event.preventDefault()}
      >
        {rows[0] === "all" && (
          <div role="row" tabIndex={-1} aria-selected={current === "all"} className={classes.row}>
            <span
              role="gridcell"
              tabIndex={-1}
              id={`${id}-0`}
              data-org="all"
              data-active={cursor.row === 0 || undefined}
              className={classes.name}
            >
              {common.allOrganizations}
            </span>
          </div>
        )}
        {shownGroups.map((group) => {
          const first = next;
          next += group.organizations.length;
          const inside = cursor.row >= first && cursor.row < next;
          return (
            <OrgGroupRows
              key={group.key}
              id={id}
              group={group}
              first={first}
              current={current}
              favourites={favourites}
              active={inside ? cursor.row - first : null}
              onStar={inside && cursor.onStar}
            />
          );
        })}
        {rows.length === 0 && <NothingFound />}
      </div>
    </div>
  );
}

function beginningOf(groups: OrgGroup[]): OrgGroup[] {
  return groups.map((group) => ({ ...group, organizations: group.organizations.slice(0, SHOWN_AT_ONCE) }));
}

function NothingFound() {
  return (
    <div role="row" tabIndex={-1}>
      <div role="gridcell" tabIndex={-1} className={classes.nothing}>
        {common.noMatch}
      </div>
    </div>
  );
}
