import { strings } from "@/strings/integrations";

/** One setting of an integration, as its schema describes it. */
interface SettingField {
  name: string;
  label: string;
  description: string | undefined;
  isInteger: boolean;
  /** Goes in and never comes out. */
  isCredential: boolean;
  isRequired: boolean;
  minLength: number | undefined;
}

/** Settings as the controls hold them. */
type SettingTexts = Record<string, string>;

/** What a credential is bound to: when one of these changes, the server forgets it. */
const credentialBoundTo = ["base_url", "auth_url", "tenant"];

/** The settings a JSON Schema describes, in its order. */
export function fieldsOf(schema: unknown): SettingField[] {
  const { properties, required } = isRecord(schema) ? schema : {};
  const needed = Array.isArray(required) ? required : [];
  return Object.entries(isRecord(properties) ? properties : {}).flatMap(([name, property]) => {
    if (!isRecord(property)) {
      return [];
    }
    const { title, description, type, writeOnly, minLength } = property;
    return {
      name,
      label: typeof title === "string" ? title : name,
      description: typeof description === "string" ? description : undefined,
      isInteger: type === "integer",
      isCredential: writeOnly === true,
      isRequired: needed.includes(name),
      minLength: typeof minLength === "number" ? minLength : undefined,
    };
  });
}

/** Stored settings as texts; a credential is never among them. */
export function textsOf(fields: SettingField[], settings: Record<string, unknown> = {}): SettingTexts {
  return Object.fromEntries(
    fields.map(({ name, isCredential }) => {
      const value = settings[name];
      return [name, isCredential || value === undefined || value === null ? "" : String(value)];
    }),
  );
}

/** The settings as they are sent: what is empty is left out, so that defaults and stored credentials hold. */
export function settingsOf(fields: SettingField[], texts: SettingTexts): Record<string, unknown> {
  return Object.fromEntries(
    fields.flatMap(({ name, isInteger, isCredential }) => {
      const text = texts[name] ?? "";
      if (text.trim() === "") {
        return [];
      }
      return [[name, isInteger ? Number(text) : isCredential ? text : text.trim()]];
    }),
  );
}

/** What must be mended before the settings are sent, by name. */
export function settingFaults(fields: SettingField[], texts: SettingTexts): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap((field) => {
      const fault = faultOf(field, texts[field.name] ?? "");
      return fault ? [[field.name, fault]] : [];
    }),
  );
}

/** Whether the change makes the server forget the stored credential. */
export function clearsCredential(before: SettingTexts, now: SettingTexts): boolean {
  return credentialBoundTo.some((name) => (before[name] ?? "").trim() !== (now[name] ?? "").trim());
}

function faultOf({ label, isInteger, isRequired, minLength }: SettingField, text: string): string | undefined {
  if (text.trim() === "") {
    return isRequired ? strings.missing(label) : undefined;
  }
  if (isInteger) {
    return /^\s*[1-9]\d{0,14}\s*$/.test(text) ? undefined : strings.noInteger;
  }
  return minLength !== undefined && [...text.trim()].length < minLength ? strings.tooShort(minLength) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
