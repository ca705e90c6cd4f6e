import { strings } from "@/strings/config";
import type { components } from "@/types/api";
import type { ConfigEntry, ConfigType } from "./configApi";

/** A config value while it is edited: everything as the controls hold it. */
export interface Draft {
  key: string;
  type: ConfigType;
  text: string;
  description: string;
}

/** What is wrong with a draft, by control. */
export type Faults = Partial<Record<"key" | "value" | "description", string>>;

/** As the server reads names (`check_name` of the domain crate). */
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,119}$/;

/** Longest text of a table's property, less what the server keeps for itself. */
const maxValueLength = 30_000;

/** An empty draft. */
export const emptyDraft: Draft = { key: "", type: "string", text: "", description: "" };

/** The draft that changes an entry. */
export function draftOf({ key, type, value, description }: ConfigEntry): Draft {
  return { key, type, text: String(value), description: description ?? "" };
}

/** The draft with another type, its text kept where it can mean something there. */
export function withType(draft: Draft, type: ConfigType): Draft {
  if (type === "bool") {
    return { ...draft, type, text: draft.text === "true" ? "true" : "false" };
  }
  return { ...draft, type, text: draft.type === "bool" ? "" : draft.text };
}

/** What a name must be mended in. */
export function nameFault(name: string, missing: string): string | undefined {
  if (name === "") {
    return missing;
  }
  return namePattern.test(name) ? undefined : strings.keyInvalid;
}

/** What must be mended before the draft is sent. */
export function faultsOf(draft: Draft, takenKeys: string[]): Faults {
  const key = takenKeys.includes(draft.key) ? strings.keyTaken : nameFault(draft.key, strings.keyMissing);
  const value = valueFault(draft);
  return { ...(key ? { key } : {}), ...(value ? { value } : {}) };
}

function valueFault({ type, text }: Draft): string | undefined {
  switch (type) {
    case "int":
      return /^\s*[+-]?\d+\s*$/.test(text) ? undefined : strings.valueNoInt;
    case "secret_ref":
      return nameFault(text, strings.valueMissing);
    case "bool":
      return undefined;
    case "string":
      return text.length > maxValueLength ? strings.valueTooLong(maxValueLength) : undefined;
  }
}

/** The draft as it is sent. Whole numbers go as text, which keeps those that JavaScript cannot hold. */
export function bodyOf({ type, text, description }: Draft): components["schemas"]["SetConfig"] {
  const value = type === "bool" ? text === "true" : type === "int" ? text.trim() : text;
  return { type, value, description: description.trim() || null };
}
