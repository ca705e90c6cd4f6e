import type { Field, Scalar } from "../schema";
import { dayNumber, instant } from "./moments";

/** Nothing, an empty text or an empty list. `false` and 0 are values. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** Whether a value can be an option: a text, a number, `true` or `false`. */
export function isScalar(value: unknown): value is Scalar {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** The same value of the same kind. */
export function isSame(a: unknown, b: unknown): boolean {
  return isScalar(a) && a === b;
}

/** Below 0, 0 or above 0, when two values of this type of field can be ordered. */
export function order(type: string, a: unknown, b: unknown): number | undefined {
  switch (type) {
    case "number":
      return typeof a === "number" && typeof b === "number" ? a - b : undefined;
    case "date": {
      const [first, second] = [dayNumber(a), dayNumber(b)];
      return first === undefined || second === undefined ? undefined : first - second;
    }
    case "datetime": {
      const [first, second] = [instant(a), instant(b)];
      return first && second && (first[0] - second[0] || first[1] - second[1]);
    }
    default:
      return undefined;
  }
}

/** Blanks as the server knows them: JavaScript's own idea lacks U+0085 and has U+FEFF. */
const BLANKS = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const OUTER_BLANKS = new RegExp(`^${BLANKS}+|${BLANKS}+$`, "g");
const ANY_BLANK = new RegExp(BLANKS);

export function trim(text: string): string {
  return text.replace(OUTER_BLANKS, "");
}

export function hasBlank(text: string): boolean {
  return ANY_BLANK.test(text);
}

/** The value as it is checked, compared and sent: without blanks around a text, every chosen value once. */
export function tidy(field: Field, value: unknown): unknown {
  if (typeof value === "string" && ["text", "textarea", "email"].includes(field.type)) {
    return trim(value);
  }
  if (Array.isArray(value) && field.type === "multi_select") {
    return value.filter((item, at) => !isScalar(item) || value.findIndex((other) => isSame(other, item)) === at);
  }
  return value;
}
