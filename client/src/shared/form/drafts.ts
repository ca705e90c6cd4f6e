import type { Entries } from "./rules/entries";
import type { FormSchema } from "./schema";

/** Names a draft: the form, the organization and the person. */
export type DraftKey = readonly [form: string, orgId: string, userId: string];

const PREFIX = "msp.draft:";

/** What was entered into this form in this tab and not sent. Names the form no longer has are dropped. */
export function readDraft(key: DraftKey, schema: FormSchema): Entries | undefined {
  try {
    const draft: unknown = JSON.parse(sessionStorage.getItem(nameOf(key)) ?? "null");
    if (typeof draft !== "object" || draft === null) {
      return undefined;
    }
    const kept = Object.entries(draft).filter(([name]) => keepable(schema).has(name));
    return kept.length > 0 ? Object.fromEntries(kept) : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps what is entered, without passwords and files. */
export function writeDraft(key: DraftKey, schema: FormSchema, entries: Entries): void {
  const names = keepable(schema);
  const kept = Object.entries(entries).filter(([name]) => names.has(name));
  try {
    sessionStorage.setItem(nameOf(key), JSON.stringify(Object.fromEntries(kept)));
  } catch {
    // A tab without room for it goes without a draft.
  }
}

export function dropDraft(key: DraftKey): void {
  sessionStorage.removeItem(nameOf(key));
}

function nameOf(key: DraftKey): string {
  return PREFIX + JSON.stringify(key);
}

function keepable({ fields }: FormSchema): Set<string> {
  return new Set(fields.flatMap(({ name, type }) => (name && type !== "password" && type !== "file" ? [name] : [])));
}
