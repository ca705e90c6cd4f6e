import { Checkbox, Switch } from "@mantine/core";
import { type ControlProps, useEntry } from "../useEntry";

/** On or off, with the label on the right. */
export function BooleanControl(props: ControlProps) {
  const { value, change, blur, around, aria } = useEntry(props);
  const { withAsterisk, label, ...rest } = around;
  const Control = props.field.type === "switch" ? Switch : Checkbox;
  return (
    <Control
      {...rest}
      {...aria}
      aria-invalid={rest.error ? true : undefined}
      label={
        <>
          {label}
          {withAsterisk && (
            <span aria-hidden style={{ color: "var(--mantine-color-error)" }}>
              {" *"}
            </span>
          )}
        </>
      }
      checked={value === true}
      onChange={(event) => change(event.currentTarget.checked)}
      onBlur={blur}
    />
  );
}
