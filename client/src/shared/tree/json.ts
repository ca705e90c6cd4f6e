/** Any value that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
/** A JSON object. */
export type JsonObject = { [name: string]: Json };

/**
 * What came as JSON, as JSON. The API's description says of such values only that they can be anything, and whatever
 * was parsed from JSON is JSON.
 */
export function asJson(parsed: unknown): Json | undefined {
  return parsed as Json | undefined;
}

/** What stands where a secret or a password stood (the server writes it). */
const MASK = "********";

/** Whether the text is a secret the server has masked, or holds one. */
export function isMasked(text: string): boolean {
  return text.includes(MASK);
}

/** Whether the value has parts. */
export function isBranch(value: Json): value is Json[] | JsonObject {
  return typeof value === "object" && value !== null;
}

/** How many parts the value has. */
export function sizeOf(value: Json[] | JsonObject): number {
  return Array.isArray(value) ? value.length : Object.keys(value).length;
}

/** The value as text to copy: a text as it is, anything else as indented JSON. */
export function copyText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
