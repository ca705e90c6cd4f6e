import type { LogLine } from "@/shared/live/liveEvents";
import { isTraceback } from "@/shared/live/logView";

/** Height of one line of text in pixels; the style sheet agrees. */
const LINE_PX = 20;
/** Width of a character at 12 px monospace, in pixels. */
const CHARACTER_PX = 7.25;

/** How many characters stand beside each other in so many pixels. */
export function columnsIn(widthPx: number): number {
  return Math.max(10, Math.floor(widthPx / CHARACTER_PX));
}

/**
 * How high a line is likely to be, before it is measured. Good guesses keep the scroll bar still.
 *
 * @param columns characters after which a line is wrapped; `null` if it is not
 */
export function likelyHeight(line: LogLine, isOpen: boolean, columns: number | null): number {
  if (isTraceback(line) && !isOpen) {
    return LINE_PX;
  }
  const { message } = line;
  if (!message.includes("\n")) {
    return LINE_PX * rowsOf(message.length, columns);
  }
  return LINE_PX * message.split("\n").reduce((rows, part) => rows + rowsOf(part.length, columns), 0);
}

function rowsOf(length: number, columns: number | null): number {
  return columns === null ? 1 : Math.max(1, Math.ceil(length / columns));
}
