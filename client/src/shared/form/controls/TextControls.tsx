import { PasswordInput, Textarea, TextInput } from "@mantine/core";
import { strings } from "@/strings/form";
import { asText, type ControlProps, useEntry } from "../useEntry";

/** One line of text, or an e-mail address. */
export function TextControl(props: ControlProps) {
  const { value, change, blur, around, aria } = useEntry(props);
  const isEmail = props.field.type === "email";
  return (
    <TextInput
      {...around}
      {...aria}
      type={isEmail ? "email" : "text"}
      autoComplete="off"
      spellCheck={isEmail ? false : undefined}
      placeholder={props.field.placeholder}
      value={asText(value)}
      onChange={(event) => change(event.currentTarget.value)}
      onBlur={blur}
    />
  );
}

/** Several lines of text; grows with them. JSON is written in one as well. */
export function TextareaControl(props: ControlProps) {
  const { value, change, blur, around, aria } = useEntry(props);
  const isJson = props.field.type === "json";
  return (
    <Textarea
      {...around}
      {...aria}
      autosize
      minRows={3}
      maxRows={16}
      spellCheck={isJson ? false : undefined}
      styles={isJson ? { input: { fontFamily: "var(--mantine-font-family-monospace)" } } : undefined}
      placeholder={props.field.placeholder}
      value={asText(value)}
      onChange={(event) => change(event.currentTarget.value)}
      onBlur={blur}
    />
  );
}

/** Text that only its writer sees, and only when they ask. */
export function PasswordControl(props: ControlProps) {
  const { value, change, blur, around, aria } = useEntry(props);
  return (
    <PasswordInput
      {...around}
      {...aria}
      autoComplete="new-password"
      visibilityToggleButtonProps={{ "aria-label": strings.showPassword, tabIndex: 0, "aria-hidden": false }}
      placeholder={props.field.placeholder}
      value={asText(value)}
      onChange={(event) => change(event.currentTarget.value)}
      onBlur={blur}
    />
  );
}
