import { Code, Group, Stack } from "@mantine/core";
import { IconChevronRight } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useId, useMemo, useRef, useState } from "react";
import { strings } from "@/strings/tree";
import { CopyText } from "./CopyText";
import classes from "./JsonTree.module.css";
import { dots, JsonValue } from "./JsonValue";
import { copyText, type Json } from "./json";
import { pathText } from "./jsonPath";
import { moveInTree } from "./treeKeys";
import { type TreeRow, treeRows } from "./treeRows";

/** Height of a row in pixels; `.row` of the style sheet agrees. */
const ROW_PX = 26;
/** How far a level is indented, in pixels. */
const INDENT_PX = 16;
/** A text longer than this is shown whole below the path when it is selected. */
const LONG_TEXT = 80;

/**
 * JSON as a tree. Only what is open is looked into and only what is in view is rendered, so size does not matter. Arrow
 * keys move, open and close; the selected value and its path can be copied.
 */
export function JsonTree({ value, label }: { value: Json; label: string }) {
  const [toggled, setToggled] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [selected, setSelected] = useState(0);
  const rows = useMemo(() => treeRows(value, toggled), [value, toggled]);
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const current = rows[Math.min(selected, rows.length - 1)];

  const toggle = (row: TreeRow) => {
    if (row.isOpen !== undefined) {
      setToggled(new Map(toggled).set(row.key, !row.isOpen));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const move = moveInTree(rows, selected, event.key);
    if (!move || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    setSelected(move.to);
    virtualizer.scrollToIndex(move.to);
    const row = rows[move.to];
    if (move.toggles && row) {
      toggle(row);
    }
  };

  return (
    <Stack gap="xs">
      {current && <Selected row={current} />}
      <div
        ref={scroller}
        role="tree"
        aria-label={label}
        aria-activedescendant={current && `${id}-${rows.indexOf(current)}`}
        tabIndex={0}
        className={classes.tree}
        onKeyDown={onKeyDown}
      >
        <div role="presentation" className={classes.canvas} style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            return (
              row && (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the tree around it has the focus and takes the keys
                // biome-ignore lint/a11y/useFocusableInteractive: the tree names it in aria-activedescendant
                <div
                  key={row.key}
                  id={`${id}-${index}`}
                  role="treeitem"
                  aria-level={row.level}
                  aria-posinset={row.position}
                  aria-setsize={row.siblings}
                  aria-expanded={row.isOpen}
                  aria-selected={row === current}
                  className={classes.row}
                  style={{ transform: `translateY(${start}px)`, paddingInlineStart: INDENT_PX * row.level }}
                  onClick={() => {
                    setSelected(index);
                    toggle(row);
                  }}
                >
                  {row.isOpen === undefined ? (
                    <span className={classes.chevron} />
                  ) : (
                    <IconChevronRight className={classes.chevron} aria-hidden />
                  )}
                  {row.name !== undefined && <span className={classes.name}>{row.name}:</span>}
                  <span className={classes.value}>
                    <JsonValue value={row.value} />
                  </span>
                </div>
              )
            );
          })}
        </div>
      </div>
    </Stack>
  );
}

/** The selected value: its path, its whole text if that is long, and ways to copy both. */
function Selected({ row }: { row: TreeRow }) {
  const path = pathText(row.path);
  const { value } = row;
  return (
    <>
      <Group gap="xs" className={classes.selected}>
        <Code className={classes.path} aria-label={strings.pathOf}>
          {path}
        </Code>
        <CopyText label={strings.copyPath} text={() => path} />
        <CopyText label={strings.copyValue} text={() => copyText(value)} />
      </Group>
      {typeof value === "string" && value.length > LONG_TEXT && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <pre className={classes.full} tabIndex={0}>
          {dots(value)}
        </pre>
      )}
    </>
  );
}
