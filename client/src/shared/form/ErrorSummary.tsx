import { Alert, Anchor, List } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";
import { useFormState } from "react-hook-form";
import { strings } from "@/strings/form";
import { focusField, idOf, useFormContext } from "./context";
import { titleOf } from "./schema";

/** After a submit that failed: everything that needs a look, as links to the fields. Shrinks as it is mended. */
export function ErrorSummary() {
  const { schema, control, id, visibleNames } = useFormContext();
  const { errors, submitCount } = useFormState({ control });
  const faults = schema.fields.flatMap((field) => {
    const message = field.name && visibleNames.has(field.name) ? errors[field.name]?.message : undefined;
    return field.name && typeof message === "string" ? [{ name: field.name, title: titleOf(field), message }] : [];
  });
  if (submitCount === 0 || faults.length === 0) {
    return null;
  }
  return (
    <Alert role="alert" color="red" icon={<IconAlertCircle aria-hidden />} title={strings.summary(faults.length)}>
      <List size="sm">
        {faults.map(({ name, title, message }) => (
          <List.Item key={name}>
            <Anchor
              size="sm"
              c="inherit"
              underline="always"
              href={`#${idOf(id, name)}`}
              onClick={(event) => {
                event.preventDefault();
                focusField(id, name);
              }}
            >
              {message.startsWith(title) ? message : strings.summaryItem(title, message)}
            </Anchor>
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
