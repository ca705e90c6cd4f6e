import { Button } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { IconArrowDown } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from "react";
import type { LogLine } from "@/shared/live/liveEvents";
import { rowOf } from "@/shared/live/logView";
import { logStrings as strings } from "@/strings/execution";
import classes from "./Log.module.css";
import { LogRow } from "./LogRow";
import { columnsIn, likelyHeight } from "./lineHeight";
import { useFollowTail } from "./useFollowTail";

interface LogListProps {
  rows: readonly LogLine[];
  showTimes: boolean;
  wrap: boolean;
  search: string;
  /** The line the address names. */
  selected: number | null;
  /** The line to bring into view, and again whenever this is another object. */
  target: { seq: number } | null;
  /** More lines may come, or came while the page was open. */
  canFollow: boolean;
  isFollowing: boolean;
  onFollow: (isFollowing: boolean) => void;
  /** Where a line is linked to. */
  lineHref: (seq: number) => string;
  onSelect: (seq: number) => void;
}

/** Pixels of a line that are not its text: number, level, gaps; and the time. On a phone there is only the number. */
const GUTTER_PX = 150;
const TIME_PX = 100;
const PHONE_GUTTER_PX = 64;
const PHONE_PX = 640;

/** The lines of a log. Only those in view are rendered. */
export function LogList(props: LogListProps) {
  const { rows, wrap, showTimes, search, selected, target, canFollow, isFollowing, onFollow, lineHref, onSelect } =
    props;
  const scroller = useRef<HTMLElement>(null);
  const { ref: sized, width } = useElementSize();
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const gutterPx = width < PHONE_PX ? PHONE_GUTTER_PX : GUTTER_PX + (showTimes ? TIME_PX : 0);
  const columns = wrap ? columnsIn(width - gutterPx) : null;
  const isOpen = (seq: number) => open.has(seq) || target?.seq === seq;

  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => {
      const line = rows[index];
      return line ? likelyHeight(line, isOpen(line.seq), columns) : 0;
    },
    getItemKey: useCallback((index: number) => rows[index]?.seq ?? index, [rows]),
    overscan: 20,
  });
  // Heights at another width are worth nothing: guess anew, and measure what is in view.
  // biome-ignore lint/correctness/useExhaustiveDependencies: that is when
  useEffect(() => {
    virtualizer.measure();
    // Takes the guesses over: only what differs from them counts as measured.
    virtualizer.getTotalSize();
    for (const row of scroller.current?.querySelectorAll<HTMLElement>("[data-index]") ?? []) {
      // Not `measureElement`, which measures nothing while the end of the log scrolls into view.
      virtualizer.resizeItem(Number(row.dataset.index), row.offsetHeight);
    }
  }, [virtualizer, columns]);

  const totalPx = virtualizer.getTotalSize();
  const onScroll = useFollowTail(scroller, totalPx, isFollowing, onFollow);
  const newLines = useNewLines(rows, isFollowing);

  const wanted = target === null ? -1 : rowOf(rows, target.seq);
  const reached = useRef<typeof target>(null);
  useEffect(() => {
    if (wanted >= 0 && reached.current !== target) {
      reached.current = target;
      virtualizer.scrollToIndex(wanted, { align: "center" });
    }
  }, [virtualizer, wanted, target]);

  const toggle = useCallback(
    (seq: number) => {
      // Else the end of what was opened would come into view instead of its beginning.
      onFollow(false);
      setOpen((now) => {
        const next = new Set(now);
        return next.delete(seq) ? next : next.add(seq);
      });
    },
    [onFollow],
  );

  const items = virtualizer.getVirtualItems();
  const selectedIsThere = items.some(({ index }) => rows[index]?.seq === selected);
  const firstInView = rows[virtualizer.range?.startIndex ?? 0]?.seq;
  const tabStop = selectedIsThere ? selected : firstInView;
  const moveTo = useRef<number | null>(null);
  const onLineKey = useCallback(
    (event: KeyboardEvent, seq: number) => {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      const next = step === 0 ? undefined : rows[rowOf(rows, seq) + step];
      if (next) {
        event.preventDefault();
        moveTo.current = next.seq;
        onSelect(next.seq);
        virtualizer.scrollToIndex(rowOf(rows, next.seq));
      }
    },
    [rows, virtualizer, onSelect],
  );
  // The line is rendered by now, or will be when it has scrolled into view.
  useEffect(() => {
    const link = scroller.current?.querySelector<HTMLElement>(`[data-seq="${moveTo.current}"]`);
    if (link) {
      moveTo.current = null;
      link.focus({ preventScroll: true });
    }
  });

  return (
    <div className={classes.frame} ref={sized}>
      <section
        ref={scroller}
        aria-label={strings.label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className={classes.scroller}
        onScroll={onScroll}
        onKeyDown={toEdge}
      >
        <div className={classes.canvas} style={{ height: totalPx }} data-wrap={wrap} data-times={showTimes}>
          {items.map(({ index, key, start }) => {
            const line = rows[index];
            return (
              line && (
                <div
                  key={key}
                  ref={virtualizer.measureElement}
                  data-index={index}
                  className={classes.row}
                  data-level={line.level}
                  data-selected={line.seq === selected || undefined}
                  data-target={line.seq === target?.seq || undefined}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <LogRow
                    line={line}
                    href={lineHref(line.seq)}
                    isTabStop={line.seq === tabStop}
                    isOpen={isOpen(line.seq)}
                    onToggle={toggle}
                    onLineKey={onLineKey}
                    search={search}
                  />
                </div>
              )
            );
          })}
        </div>
      </section>
      {canFollow && !isFollowing && newLines > 0 && (
        <Button
          className={classes.newLines}
          size="xs"
          radius="xl"
          leftSection={<IconArrowDown size={14} aria-hidden />}
          onClick={() => onFollow(true)}
        >
          {strings.newLines(newLines)}
        </Button>
      )}
    </div>
  );
}

/** How many lines came since the end was let go of. */
function useNewLines(rows: readonly LogLine[], isFollowing: boolean): number {
  const [seen, setSeen] = useState({ rows, count: rows.length });
  if (isFollowing ? seen.rows !== rows || seen.count !== rows.length : seen.rows !== rows) {
    setSeen({ rows, count: rows.length });
  }
  return rows.length - seen.count;
}

/** Home and End at once: the browser would roll there, and rows that are measured on the way stop it short. */
function toEdge(event: KeyboardEvent<HTMLElement>) {
  const isAlone = !(event.ctrlKey || event.metaKey || event.altKey || event.shiftKey);
  if (isAlone && (event.key === "Home" || event.key === "End")) {
    event.preventDefault();
    const box = event.currentTarget;
    box.scrollTop = event.key === "End" ? box.scrollHeight : 0;
  }
}
