import { useRef, useState } from "react";
import type { UseFormReturn } from "react-hook-form";
import { Problem } from "@/shared/api/problem";
import { focusField } from "./context";
import { type Entries, validateEntries } from "./rules/entries";
import type { FormSchema } from "./schema";

/** Sends a submission. The key names the request, so that sending it again starts nothing twice. */
export type Send<T> = (values: Record<string, unknown>, idempotencyKey: string) => Promise<T>;

/** Sends a form once at a time, and puts what the server says about fields to the fields. */
export function useSubmission<T>(
  form: UseFormReturn<Entries>,
  schema: FormSchema,
  id: string,
  send: Send<T>,
  onSent: (result: T) => void,
) {
  const isBusy = useRef(false);
  const attempt = useRef<{ body: string; key: string }>(undefined);
  const [isSending, setIsSending] = useState(false);
  const [failure, setFailure] = useState<unknown>();

  const submit = async () => {
    const validated = validateEntries(schema, form.getValues());
    // A second click or Enter while the first is on its way does nothing.
    if ("faults" in validated || isBusy.current) {
      return;
    }
    isBusy.current = true;
    setIsSending(true);
    setFailure(undefined);
    const body = JSON.stringify(validated.values);
    if (attempt.current?.body !== body) {
      attempt.current = { body, key: randomKey() };
    }
    try {
      const result = await send(validated.values, attempt.current.key);
      onSent(result);
    } catch (error) {
      // A refusal has started nothing: the next try is a request of its own. Without an answer nobody knows.
      if (error instanceof Problem && error.status < 500) {
        attempt.current = undefined;
      }
      setFailure(error);
      if (error instanceof Problem) {
        landOnFields(form, schema, id, error);
      }
    } finally {
      isBusy.current = false;
      setIsSending(false);
    }
  };
  return { submit, isSending, failure };
}

function landOnFields(form: UseFormReturn<Entries>, schema: FormSchema, id: string, problem: Problem): void {
  const names = schema.fields.flatMap(({ name }) => (name && problem.fields[name] !== undefined ? [name] : []));
  for (const name of names) {
    form.setError(name, { type: "server", message: sentence(problem.fields[name] ?? "") });
  }
  if (names[0] !== undefined) {
    focusField(id, names[0]);
  }
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Not `randomUUID`, which browsers only offer over https. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
