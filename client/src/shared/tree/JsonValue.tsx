import { Tooltip } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { strings } from "@/strings/tree";
import classes from "./JsonTree.module.css";
import { isMasked, type Json, sizeOf } from "./json";

/** Longer texts are cut in a line; selecting the line shows all of it. */
const MAX_CHARACTERS = 300;

/** A value in one line: a text, a number, or how much is in it. */
export function JsonValue({ value }: { value: Json }) {
  if (typeof value === "string") {
    return isMasked(value) ? <Masked text={value} /> : <span className={classes.text}>{quoted(value)}</span>;
  }
  if (Array.isArray(value)) {
    const size = sizeOf(value);
    return <span className={classes.size}>{size === 0 ? strings.emptyArray : `[ ] ${strings.items(size)}`}</span>;
  }
  if (typeof value === "object" && value !== null) {
    const size = sizeOf(value);
    return <span className={classes.size}>{size === 0 ? strings.emptyObject : `{ } ${strings.members(size)}`}</span>;
  }
  return <span className={typeof value === "number" ? classes.number : classes.word}>{String(value)}</span>;
}

/** What the server masked: dots, and why. */
export function Masked({ text }: { text: string }) {
  return (
    <Tooltip label={strings.maskedHint} multiline w={260} events={{ hover: true, focus: true, touch: true }}>
      <span className={classes.masked}>
        <IconLock size={13} aria-hidden />
        <span aria-hidden>{dots(text)}</span>
        <span className={classes.maskedWord}>{strings.masked}</span>
      </span>
    </Tooltip>
  );
}

/** The text with dots where the server put its mask. */
export function dots(text: string): string {
  return text.replaceAll("********", "••••••••");
}

function quoted(text: string): string {
  return text.length > MAX_CHARACTERS
    ? `${JSON.stringify(text.slice(0, MAX_CHARACTERS)).slice(0, -1)}…"`
    : JSON.stringify(text);
}
