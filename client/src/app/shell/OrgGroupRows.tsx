// biome-ignore-all lint/a11y/useSemanticElements: a grid that belongs to a combobox is no table
import { memo } from "react";
import { strings } from "@/strings/shell";
import classes from "./OrgPicker.module.css";
import type { OrgGroup } from "./orgGroups";

interface OrgGroupRowsProps {
  /** Of the picker; ids of cells begin with it. */
  id: string;
  group: OrgGroup;
  /** The number of the group's first row in the whole list. */
  first: number;
  current: string;
  favourites: string[];
  /** The row in this group that the keyboard points at. */
  active: number | null;
  onStar: boolean;
}

/** The rows under one heading. Plain elements, and drawn anew only when they change: there may be 500. */
export const OrgGroupRows = memo(function OrgGroupRows(props: OrgGroupRowsProps) {
  const { id, group, first, current, favourites, active, onStar } = props;
  const starred = new Set(favourites);
  return (
    <div className={classes.group}>
      <div className={classes.label} id={`${id}-${group.key}`}>
        {group.label}
      </div>
      <div role="rowgroup" aria-labelledby={`${id}-${group.key}`}>
        {group.organizations.map((organization, index) => (
          <Row
            key={organization.id}
            id={id}
            row={first + index}
            orgId={organization.id}
            name={organization.name}
            isActive={organization.is_active}
            isCurrent={organization.id === current}
            isStarred={starred.has(organization.id)}
            pointed={index !== active ? null : onStar ? "star" : "name"}
          />
        ))}
      </div>
    </div>
  );
});

interface RowProps {
  id: string;
  row: number;
  orgId: string;
  name: string;
  isActive: boolean;
  isCurrent: boolean;
  isStarred: boolean;
  pointed: "name" | "star" | null;
}

const Row = memo(function Row({ id, row, orgId, name, isActive, isCurrent, isStarred, pointed }: RowProps) {
  return (
    <div role="row" tabIndex={-1} aria-selected={isCurrent} className={classes.row}>
      <span
        role="gridcell"
        tabIndex={-1}
        id={`${id}-${row}`}
        data-org={orgId}
        data-active={pointed === "name" || undefined}
        className={classes.name}
      >
        {name}
        {!isActive && <span className={classes.inactive}> {strings.inactive}</span>}
      </span>
      <span
        role="gridcell"
        tabIndex={-1}
        id={`${id}-${row}-star`}
        data-org={orgId}
        data-star
        data-starred={isStarred || undefined}
        data-active={pointed === "star" || undefined}
        aria-label={isStarred ? strings.unstar(name) : strings.star(name)}
        className={classes.star}
      >
        {isStarred ? "★" : "☆"}
      </span>
    </div>
  );
});
