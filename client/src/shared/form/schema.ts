/**
 * A form, as the server stores it (`crates/domain/src/form/schema.rs`). It has been checked there; what this client does
 * not know is shown as such and sends nothing.
 */
export interface FormSchema {
  name: string;
  description?: string;
  workflow: string;
  category?: string;
  confirm?: boolean;
  fields: Field[];
}

/** The types of fields this client draws. A server may know more. */
const FIELD_TYPES = [
  "text",
  "textarea",
  "email",
  "password",
  "number",
  "checkbox",
  "switch",
  "select",
  "multi_select",
  "radio",
  "date",
  "datetime",
  "file",
  "json",
  "section",
  "heading",
  "markdown",
  "divider",
] as const;

type FieldType = (typeof FIELD_TYPES)[number];

/** A field, or an element of the layout. */
export interface Field {
  /** The parameter it fills; layout elements may have none. */
  name?: string;
  label?: string;
  type: string;
  required?: boolean;
  /** Help under the label; the text of a `markdown` element. */
  description?: string;
  placeholder?: string;
  default?: unknown;
  width?: "full" | "half";
  validation?: FieldValidation;
  options?: FieldOptions;
  visible_when?: Conditions;
  required_when?: Conditions;
}

export interface FieldValidation {
  pattern?: string;
  message?: string;
  min?: number | string;
  max?: number | string;
  step?: number;
  min_length?: number;
  max_length?: number;
  min_items?: number;
  max_items?: number;
  accept?: string[];
  max_size_mb?: number;
}

export type FieldOptions = OptionSource & { allow_custom?: boolean; auto_select_single?: boolean };

type OptionSource =
  | { source: "static"; items: OptionItem[] }
  | { source: "option_generator"; generator: string; inputs?: Record<string, OptionInput> };

/** What an option sends. */
export type Scalar = string | number | boolean;

export interface OptionItem {
  label: string;
  value: Scalar;
  description?: string;
  group?: string;
  disabled?: boolean;
}

type OptionInput = { field: string } | { value: unknown };

export type Conditions = { all: Condition[] } | { any: Condition[] };

export interface Condition {
  field: string;
  op: string;
  value?: unknown;
}

/** What a person entered, by the name of the field. */
export type Input = Readonly<Record<string, unknown>>;

/** An uploaded file, as a submission names it. */
export interface UploadedFile {
  id: string;
  name: string;
  size_bytes: number;
  content_type: string;
}

const LAYOUT = ["section", "heading", "markdown", "divider"];

/** Whether it only arranges the form and sends nothing. */
export function isLayout(field: Field): boolean {
  return LAYOUT.includes(field.type);
}

/** Whether this client can draw it. */
export function isKnown(field: Field): field is Field & { type: FieldType } {
  return FIELD_TYPES.some((known) => known === field.type);
}

/** What people call it. */
export function titleOf(field: Field): string {
  return field.label || field.name || "";
}

/** Whether it takes a list of files. */
export function takesManyFiles(field: Field): boolean {
  return field.type === "file" && (field.validation?.max_items ?? 1) > 1;
}
