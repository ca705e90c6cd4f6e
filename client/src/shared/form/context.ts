import { createContext, useContext } from "react";
import type { Control } from "react-hook-form";
import type { Entries } from "./rules/entries";
import type { Field, FormSchema, UploadedFile } from "./schema";

/** Sends a file and answers what stands for it in a submission. `onProgress` takes 0 to 1. */
export type Upload = (
  file: File,
  options: { field: Field; signal: AbortSignal; onProgress: (done: number) => void },
) => Promise<UploadedFile>;

/** What the fields of a form share. */
export interface FormContextValue {
  schema: FormSchema;
  control: Control<Entries>;
  /** Starts the ids of all elements of this form. */
  id: string;
  /** Names of the fields that are shown. */
  visibleNames: ReadonlySet<string>;
  org: { id: string; name: string };
  /** Whether the person writes forms, and is helped by names of generators. */
  isAuthor: boolean;
  /** Says something to screen readers. */
  announce: (text: string) => void;
  upload: Upload | undefined;
}

const FormContext = createContext<FormContextValue | undefined>(undefined);

export const FormProvider = FormContext.Provider;

/** Only inside `SchemaForm`. */
export function useFormContext(): FormContextValue {
  const context = useContext(FormContext);
  if (!context) {
    throw new Error("useFormContext() needs a SchemaForm around it.");
  }
  return context;
}

/** The id of a field's control. */
export function idOf(form: string, name: string): string {
  return `${form}-${name}`;
}

/** Moves the focus to a field's control; to its first one when it has several. */
export function focusField(form: string, name: string): void {
  const element = document.getElementById(idOf(form, name));
  const focusable = "input:not([type=hidden]):not(:disabled), textarea, select, button";
  const target = element?.matches(focusable) ? element : (element?.querySelector<HTMLElement>(focusable) ?? element);
  target?.focus();
  target?.scrollIntoView({ block: "center" });
}
