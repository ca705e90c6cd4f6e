import { IconChevronRight } from "@tabler/icons-react";
import { type KeyboardEvent, memo, type ReactNode } from "react";
import { Link } from "react-router";
import type { LogLine } from "@/shared/live/liveEvents";
import { isTraceback } from "@/shared/live/logView";
import { logStrings as strings } from "@/strings/execution";
import classes from "./Log.module.css";

interface LogRowProps {
  line: LogLine;
  /** Where the line is linked to. */
  href: string;
  /** Whether its number can be reached with the Tab key: one line of all can. */
  isTabStop: boolean;
  isOpen: boolean;
  onToggle: (seq: number) => void;
  onLineKey: (event: KeyboardEvent, seq: number) => void;
  /** What is searched for. */
  search: string;
}

/** Sources that say nothing: everything a workflow writes comes from one of them. */
const PLAIN_SOURCES = new Set(["print", "log", "stdout", "stderr", "traceback"]);

/** A line of the log: number, time, level, text. */
export const LogRow = memo(function LogRow(props: LogRowProps) {
  const { line, href, isTabStop, isOpen, onToggle, onLineKey, search } = props;
  return (
    <>
      <Link
        to={href}
        replace
        preventScrollReset
        className={classes.number}
        tabIndex={isTabStop ? 0 : -1}
        data-seq={line.seq}
        aria-label={strings.line(line.seq)}
        onKeyDown={(event) => onLineKey(event, line.seq)}
      >
        {line.seq}
      </Link>
      <time dateTime={line.at} title={line.at} className={classes.time}>
        {clockTime(line.at)}
      </time>
      <span className={classes.level} data-level={line.level}>
        {strings.words[line.level]}
      </span>
      <span className={classes.message}>
        {isTraceback(line) ? (
          <Traceback line={line} isOpen={isOpen} onToggle={onToggle} search={search} />
        ) : (
          <>
            {!PLAIN_SOURCES.has(line.source) && <span className={classes.source}>{line.source} </span>}
            {marked(shownText(line.message), search)}
          </>
        )}
      </span>
    </>
  );
});

function Traceback({ line, isOpen, onToggle, search }: Pick<LogRowProps, "line" | "isOpen" | "onToggle" | "search">) {
  const text = shownText(line.message).trimEnd();
  const lines = text.split("\n");
  return (
    <>
      <button type="button" className={classes.fold} aria-expanded={isOpen} onClick={() => onToggle(line.seq)}>
        <IconChevronRight size={14} aria-hidden />
        {strings.traceback(lines.at(-1) ?? "", lines.length)}
      </button>
      {isOpen && <span className={classes.traceback}>{marked(text, search)}</span>}
    </>
  );
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

/** The time of day in the viewer's zone, to the millisecond. */
function clockTime(at: string): string {
  return clock.format(new Date(at));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const COLOURS = /\u001b\[[0-9;]*[A-Za-z]/g;

/** The text without what programs send to colour a terminal. */
function shownText(message: string): string {
  return message.includes("\u001b") ? message.replace(COLOURS, "") : message;
}

/** The text with what was searched for marked. */
function marked(text: string, search: string): ReactNode {
  if (search === "") {
    return text;
  }
  const needle = search.toLowerCase();
  const lower = text.toLowerCase();
  const parts: ReactNode[] = [];
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + needle.length)}</mark>);
    from = at + needle.length;
  }
  return from === 0 ? text : [...parts, text.slice(from)];
}
