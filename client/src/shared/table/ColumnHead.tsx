import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { strings } from "@/strings/table";
import { columnWidths, withinLimits } from "./columns";
import classes from "./DataTable.module.css";

/** Pixels by which an arrow key changes a width. */
const keyStep = 16;

interface ColumnHeadProps {
  title: string;
  width: number;
  /** The width while it is dragged, and once it is let go. */
  onResize: (width: number, isFinal: boolean) => void;
}

/** The title of a column, with an edge that is dragged or moved with the arrow keys. */
export function ColumnHead({ title, width, onResize }: ColumnHeadProps) {
  const [grip, setGrip] = useState<{ x: number; width: number }>();

  const drag = (event: PointerEvent, isFinal: boolean) => {
    if (!grip) {
      return;
    }
    onResize(withinLimits(grip.width + event.clientX - grip.x), isFinal);
    if (isFinal) {
      setGrip(undefined);
    }
  };
  const press = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -keyStep, ArrowRight: keyStep }[event.key];
    if (by === undefined) {
      return;
    }
    event.preventDefault();
    onResize(withinLimits(width + by), true);
  };

  return (
    <>
      {title}
      {/* biome-ignore lint/a11y/useSemanticElements: an <hr> cannot be moved; this is the separator that can (ARIA 1.2). */}
      <span
        role="separator"
        tabIndex={0}
        aria-label={strings.columnWidth(title)}
        aria-orientation="vertical"
        aria-valuenow={width}
        aria-valuemin={columnWidths.min}
        aria-valuemax={columnWidths.max}
        className={classes.edge}
        data-dragged={grip ? true : undefined}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setGrip({ x: event.clientX, width });
        }}
        onPointerMove={(event) => drag(event, false)}
        onPointerUp={(event) => drag(event, true)}
        onPointerCancel={() => setGrip(undefined)}
        onKeyDown={press}
      />
    </>
  );
}
