import { TextInput } from "@mantine/core";
import { strings } from "@/strings/form";
import { written } from "../rules/submission";
import type { Field } from "../schema";
import { type ControlProps, useEntry } from "../useEntry";

/**
 * A number with the browser's own steppers, in the person's way to write one. What is beyond the limits can be typed, and
 * is told; it is not bent silently.
 */
export function NumberControl(props: ControlProps) {
  const { value, change, blur, around, aria } = useEntry(props);
  const { min, max, step } = props.field.validation ?? {};
  return (
    <TextInput
      {...around}
      {...aria}
      type="number"
      description={[props.field.description, rangeOf(props.field)].filter(Boolean).join(" · ") || undefined}
      placeholder={props.field.placeholder}
      min={min}
      max={max}
      step={step ?? "any"}
      inputMode={step === 1 ? "numeric" : "decimal"}
      value={typeof value === "number" ? String(value) : ""}
      onChange={(event) => {
        const text = event.currentTarget.value;
        change(text === "" ? "" : Number(text));
      }}
      onBlur={(event) => {
        // What is no number, such as a lone `-`, has no value; it must not pass for nothing.
        if (event.currentTarget.validity?.badInput) {
          change("unfinished");
        }
        blur();
      }}
      // Scrolling past a number must not change it.
      onWheel={(event) => event.currentTarget.blur()}
    />
  );
}

function rangeOf({ validation }: Field): string | undefined {
  const { min, max } = validation ?? {};
  if (min !== undefined && max !== undefined) {
    return strings.range(written(min), written(max));
  }
  if (min !== undefined) {
    return strings.atLeast(written(min));
  }
  return max === undefined ? undefined : strings.atMost(written(max));
}
