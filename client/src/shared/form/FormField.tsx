import { Alert } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { memo } from "react";
import { strings } from "@/strings/form";
import { BooleanControl } from "./controls/BooleanControl";
import { ChoiceControl } from "./controls/ChoiceControl";
import { FileControl } from "./controls/FileControl";
import { LayoutElement } from "./controls/Layout";
import { DateControl, DatetimeControl } from "./controls/MomentControls";
import { NumberControl } from "./controls/NumberControl";
import { RadioControl } from "./controls/RadioControl";
import { PasswordControl, TextareaControl, TextControl } from "./controls/TextControls";
import { isKnown } from "./schema";
import type { ControlProps } from "./useEntry";

/** A field that is shown. Drawn again only when it changes itself, so that long forms stay quick. */
export const FormField = memo(function FormField(props: ControlProps) {
  const { field } = props;
  if (!isKnown(field)) {
    return (
      <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title={strings.unknownType(field.type)}>
        {strings.unknownTypeHint}
      </Alert>
    );
  }
  switch (field.type) {
    case "text":
    case "email":
      return <TextControl {...props} />;
    case "textarea":
    case "json":
      return <TextareaControl {...props} />;
    case "password":
      return <PasswordControl {...props} />;
    case "number":
      return <NumberControl {...props} />;
    case "checkbox":
    case "switch":
      return <BooleanControl {...props} />;
    case "select":
    case "multi_select":
      return <ChoiceControl {...props} />;
    case "radio":
      return <RadioControl {...props} />;
    case "date":
      return <DateControl {...props} />;
    case "datetime":
      return <DatetimeControl {...props} />;
    case "file":
      return <FileControl {...props} />;
    case "section":
    case "heading":
    case "markdown":
    case "divider":
      return <LayoutElement field={field} />;
  }
});
