import type { Condition, Conditions, Field, FormSchema, Input } from "../schema";
import { isEmpty, isSame, order, tidy } from "./values";

/** What conditions make of a form, by the position of the field. */
export interface FormState {
  /** Whether it is shown. */
  visible: boolean[];
  /** Whether it is shown and must be filled in. */
  required: boolean[];
}

/** Evaluates the conditions over what has been entered. A hidden field counts as empty, so what depends on it follows. */
export function stateOf(form: FormSchema, input: Input): FormState {
  const { fields } = form;
  const byName = positions(fields);
  const sections = sectionsOf(fields);
  const known: (boolean | undefined)[] = fields.map(() => undefined);

  const isVisible = (position: number): boolean => {
    const already = known[position];
    if (already !== undefined) {
      return already;
    }
    // A circle, which the server refuses, ends here instead of going on forever.
    known[position] = false;
    const section = sections[position];
    const when = fields[position]?.visible_when;
    const visible = (section === undefined || isVisible(section)) && (!when || holds(when));
    known[position] = visible;
    return visible;
  };
  const holds = (conditions: Conditions): boolean =>
    "all" in conditions ? conditions.all.every(rowHolds) : conditions.any.some(rowHolds);
  const rowHolds = (row: Condition): boolean => {
    const position = byName.get(row.field);
    const field = position === undefined ? undefined : fields[position];
    if (position === undefined || !field) {
      return false;
    }
    return compare(field, isVisible(position) ? tidy(field, input[row.field]) : undefined, row);
  };

  const visible = fields.map((_, position) => isVisible(position));
  const required = fields.map(
    (field, position) =>
      visible[position] === true && (field.required === true || (!!field.required_when && holds(field.required_when))),
  );
  return { visible, required };
}

/** The fields whose values conditions look at. */
export function watchedBy(form: FormSchema): Set<string> {
  const rows = form.fields.flatMap(({ visible_when, required_when }) =>
    [visible_when, required_when].flatMap((when) => (when ? ("all" in when ? when.all : when.any) : [])),
  );
  return new Set(rows.map((row) => row.field));
}

function positions(fields: Field[]): Map<string, number> {
  const found = new Map<string, number>();
  fields.forEach(({ name }, position) => {
    if (name && !found.has(name)) {
      found.set(name, position);
    }
  });
  return found;
}

/** The position of the section each field stands in. */
function sectionsOf(fields: Field[]): (number | undefined)[] {
  let current: number | undefined;
  return fields.map((field, position) => {
    if (field.type === "section") {
      current = position;
      return undefined;
    }
    return current;
  });
}

function compare(field: Field, actual: unknown, row: Condition): boolean {
  const expected = row.value;
  const ordering = order(field.type, actual, expected);
  switch (row.op) {
    case "eq":
      return isEqual(field, actual, expected);
    case "ne":
      return !isEqual(field, actual, expected);
    case "in":
      return isAmong(field, actual, expected);
    case "not_in":
      return !isAmong(field, actual, expected);
    case "empty":
      return isEmpty(actual);
    case "not_empty":
      return !isEmpty(actual);
    case "contains":
      if (typeof actual === "string") {
        return typeof expected === "string" && actual.includes(expected);
      }
      return Array.isArray(actual) && actual.some((choice) => isSame(choice, expected));
    case "gt":
      return ordering !== undefined && ordering > 0;
    case "gte":
      return ordering !== undefined && ordering >= 0;
    case "lt":
      return ordering !== undefined && ordering < 0;
    case "lte":
      return ordering !== undefined && ordering <= 0;
    default:
      return false;
  }
}

/** Instants are equal when they are the same moment, however their offsets are written. */
function isEqual(field: Field, actual: unknown, expected: unknown): boolean {
  return isSame(actual, expected) || (field.type === "datetime" && order(field.type, actual, expected) === 0);
}

function isAmong(field: Field, actual: unknown, list: unknown): boolean {
  const chosen: unknown[] = Array.isArray(actual) ? actual : [actual];
  return Array.isArray(list) && chosen.some((choice) => list.some((expected) => isEqual(field, choice, expected)));
}
