import { TextInput } from "@mantine/core";
import type { FocusEvent } from "react";
import { strings } from "@/strings/form";
import { asText, type ControlProps, useEntry } from "../useEntry";
import { localOf, zonedOf, zoneName } from "./localMoment";

/**
 * A calendar day. The browser's own control: a calendar, typing in the person's order of day and month, and the keyboard
 * of a phone, with the day itself as value, so that no time zone can shift it.
 */
export function DateControl(props: ControlProps) {
  const { value, change, blur, around, aria } = useEntry(props);
  const { min, max } = props.field.validation ?? {};
  return (
    <TextInput
      {...around}
      {...aria}
      type="date"
      min={min}
      max={max ?? "9999-12-31"}
      value={asText(value)}
      onChange={(event) => change(event.currentTarget.value || null)}
      onBlur={(event) => leave(event, change, blur)}
    />
  );
}

/** A day and a time in the person's zone, which stands beside it; sent with the offset of that day. */
export function DatetimeControl(props: ControlProps) {
  const { value, change, blur, around, aria } = useEntry(props);
  return (
    <TextInput
      {...around}
      {...aria}
      description={[props.field.description, strings.zone(zoneName())].filter(Boolean).join(" · ")}
      type="datetime-local"
      max="9999-12-31T23:59"
      value={localOf(asText(value))}
      onChange={(event) => change(zonedOf(event.currentTarget.value))}
      onBlur={(event) => leave(event, change, blur)}
    />
  );
}

/** A control that is half filled in has no value; it must not pass for an empty one. */
function leave(event: FocusEvent<HTMLInputElement>, change: (value: unknown) => void, blur: () => void): void {
  if (event.currentTarget.validity?.badInput) {
    change("unfinished");
  }
  blur();
}
