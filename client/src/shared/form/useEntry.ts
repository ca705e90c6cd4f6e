import { useController } from "react-hook-form";
import { idOf, useFormContext } from "./context";
import type { Field } from "./schema";

/** What a control is given: its value and how to change it, and the texts and marks around it. */
export interface ControlProps {
  field: Field;
  required: boolean;
}

/** Binds a control to the form. */
export function useEntry({ field, required }: ControlProps) {
  const { control, id } = useFormContext();
  const name = field.name ?? "";
  const { field: entry, fieldState } = useController({ control, name });
  const around = {
    id: idOf(id, name),
    label: field.label || name,
    description: field.description || undefined,
    error: fieldState.error?.message,
    withAsterisk: required,
  };
  return {
    name,
    value: entry.value,
    change: entry.onChange,
    blur: entry.onBlur,
    /** For every control with a label, help and message of its own. */
    around,
    /** Says to assistive software what the asterisk says. */
    aria: { "aria-required": required || undefined },
  };
}

/** An entry as a text. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
