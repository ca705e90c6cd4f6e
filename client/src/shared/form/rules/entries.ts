import { strings } from "@/strings/form";
import { type Field, type FormSchema, type Input, isKnown, isLayout } from "../schema";
import { type FormState, stateOf } from "./conditions";
import { type Fault, faultOf, validate } from "./submission";
import { isSame, tidy } from "./values";

/** What the controls hold, by the name of the field: JSON as its text, what is empty as the control wants it. */
export type Entries = Record<string, unknown>;

/** What an untouched control holds. A switch says something untouched as well; a list says nothing until it is used. */
function blank(field: Field): unknown {
  switch (field.type) {
    case "checkbox":
    case "switch":
      return false;
    case "text":
    case "textarea":
    case "email":
    case "password":
    case "number":
    case "json":
      return "";
    default:
      return null;
  }
}

/** The entry of a value that a field accepts, and `undefined` for one it does not. Passwords and files are not filled in. */
function entryOf(field: Field, value: unknown): unknown {
  const tidied = tidy(field, value);
  if (field.type === "password" || field.type === "file" || tidied === undefined || tidied === null) {
    return undefined;
  }
  if (faultOf(field, tidied, false) !== undefined) {
    return undefined;
  }
  return field.type === "json" ? JSON.stringify(tidied, null, 2) : tidied;
}

/**
 * What the controls hold at first. Of several sources of values the last one that has an acceptable value for a field
 * wins; an unacceptable one is ignored.
 */
export function initialEntries(form: FormSchema, ...sources: Input[]): Entries {
  const fields = form.fields.filter((field) => isKnown(field) && !isLayout(field));
  return Object.fromEntries(
    fields.map((field) => {
      const name = field.name ?? "";
      const candidates = [field.default, ...sources.map((source) => source[name])];
      const found = candidates.map((value) => entryOf(field, value)).findLast((entry) => entry !== undefined);
      return [name, found ?? blank(field)];
    }),
  );
}

/** Values from the address (`?first_name=Ada`), in the kinds that the fields hold. */
export function valuesFromUrl(form: FormSchema, search: URLSearchParams): Input {
  const values: Record<string, unknown> = {};
  for (const field of form.fields) {
    const texts = field.name ? search.getAll(field.name) : [];
    const last = texts.at(-1);
    if (field.name && last !== undefined) {
      values[field.name] = field.type === "multi_select" ? texts.map((text) => choice(field, text)) : read(field, last);
    }
  }
  return values;
}

function read(field: Field, text: string): unknown {
  switch (field.type) {
    case "number":
      return text.trim() === "" ? undefined : Number(text);
    case "checkbox":
    case "switch":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "select":
    case "radio":
      return choice(field, text);
    case "json":
      return parseJson(text)?.value;
    default:
      return text;
  }
}

/** The offered value that reads like this. */
function choice({ options }: Field, text: string): unknown {
  const items = options?.source === "static" ? options.items : [];
  return items.find(({ value }) => isSame(String(value), text))?.value ?? text;
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** What was entered, as conditions and the workflow see it. Text that is no JSON stands as the text it is. */
export function inputOf(form: FormSchema, entries: Entries): Input {
  const input: Record<string, unknown> = {};
  for (const field of form.fields) {
    const name = field.name ?? "";
    if (isLayout(field) || !isKnown(field)) {
      continue;
    }
    const entry = entries[name];
    input[name] = field.type === "json" && typeof entry === "string" && entry.trim() ? parseOr(entry) : entry;
  }
  return input;
}

function parseOr(text: string): unknown {
  const parsed = parseJson(text);
  return parsed ? parsed.value : text;
}

/** Like `validate`, over what the controls hold. */
export function validateEntries(
  form: FormSchema,
  entries: Entries,
): { values: Record<string, unknown> } | { faults: Fault[] } {
  const input = inputOf(form, entries);
  const state = stateOf(form, input);
  const unreadable = form.fields.flatMap((field, position) => {
    const entry = entries[field.name ?? ""];
    const isText = field.type === "json" && typeof entry === "string" && entry.trim() !== "";
    return isText && state.visible[position] && !parseJson(entry)
      ? [{ field: field.name ?? "", message: strings.invalidJson }]
      : [];
  });
  const validated = validate(known(form), input, stateOfKnown(form, state));
  if (unreadable.length === 0) {
    return validated;
  }
  return { faults: inOrder(form, [...unreadable, ...("faults" in validated ? validated.faults : [])]) };
}

function known(form: FormSchema): FormSchema {
  return { ...form, fields: form.fields.filter(isKnown) };
}

function stateOfKnown(form: FormSchema, state: FormState): FormState {
  const kept = <T>(list: T[]) => list.filter((_, position) => form.fields[position] && isKnown(form.fields[position]));
  return { visible: kept(state.visible), required: kept(state.required) };
}

function inOrder(form: FormSchema, faults: Fault[]): Fault[] {
  const position = ({ field }: Fault) => form.fields.findIndex(({ name }) => name === field);
  return faults.toSorted((a, b) => position(a) - position(b));
}
