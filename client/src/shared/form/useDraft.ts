import { useEffect, useRef, useState } from "react";
import type { UseFormReturn } from "react-hook-form";
import { type DraftKey, dropDraft, readDraft, writeDraft } from "./drafts";
import type { Entries } from "./rules/entries";
import type { FormSchema } from "./schema";

/** Time between the last change and keeping it. Leaving the page keeps it at once. */
const KEEP_AFTER_MS = 300;

/** Keeps a draft of the form in this tab and brings it back. Without a key there is none. */
export function useDraft(form: UseFormReturn<Entries>, schema: FormSchema, key: DraftKey | undefined) {
  const [found] = useState(() => key && readDraft(key, schema));
  const [isRestored, setIsRestored] = useState(found !== undefined);
  const name = JSON.stringify(key);
  const sent = useRef(false);
  useEffect(() => {
    if (found) {
      form.reset({ ...form.getValues(), ...found }, { keepDefaultValues: true });
    }
  }, [form, found]);
  useEffect(() => {
    const draftKey: DraftKey | undefined = name === undefined ? undefined : JSON.parse(name);
    if (!draftKey) {
      return undefined;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const keep = () => {
      if (timer !== undefined) {
        clearTimeout(timer);
        timer = undefined;
        if (sent.current || !form.formState.isDirty) {
          dropDraft(draftKey);
        } else {
          writeDraft(draftKey, schema, form.getValues());
        }
      }
    };
    const { unsubscribe } = form.watch(() => {
      clearTimeout(timer);
      timer = setTimeout(keep, KEEP_AFTER_MS);
    });
    window.addEventListener("pagehide", keep);
    return () => {
      unsubscribe();
      window.removeEventListener("pagehide", keep);
      keep();
    };
  }, [form, schema, name]);
  return {
    /** Whether what is shown was entered earlier. */
    isRestored,
    /** Forgets the draft: it was sent. */
    forget: () => {
      sent.current = true;
      if (key) {
        dropDraft(key);
      }
    },
    /** Forgets the draft and starts over. */
    discard: () => {
      form.reset();
      if (key) {
        dropDraft(key);
      }
      setIsRestored(false);
    },
  };
}
