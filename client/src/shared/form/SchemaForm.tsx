import { Alert, Button, Group, Modal, Stack, Text, VisuallyHidden } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { clsx } from "clsx";
import { type FormEvent, type ReactNode, useCallback, useEffect, useId, useMemo, useState } from "react";
import { type FieldErrors, type Resolver, useForm, useWatch } from "react-hook-form";
import { Problem } from "@/shared/api/problem";
import { ProblemAlert } from "@/shared/states/ProblemAlert";
import { useUnsavedInput } from "@/shared/unsaved/unsavedInput";
import { strings } from "@/strings/form";
import { type FormContextValue, FormProvider, focusField, type Upload } from "./context";
import type { DraftKey } from "./drafts";
import { ErrorSummary } from "./ErrorSummary";
import { FormField } from "./FormField";
import { stateOf, watchedBy } from "./rules/conditions";
import { type Entries, initialEntries, inputOf, validateEntries } from "./rules/entries";
import classes from "./SchemaForm.module.css";
import { type FormSchema, type Input, isKnown } from "./schema";
import { useDraft } from "./useDraft";
import { type Send, useSubmission } from "./useSubmission";

export interface SchemaFormProps<T> {
  /** Keep it the same object while the form is shown. */
  schema: FormSchema;
  /** Whom option generators are asked for. */
  org: { id: string; name: string };
  /** What the button says: "Run for Contoso". */
  submitLabel: string;
  /** What is asked before it is sent, when the form says so. */
  confirm?: { title: string; text: ReactNode } | undefined;
  /** Values over the form's defaults, weakest first. Those a field does not accept are ignored. */
  initial?: Input[];
  /** Where the draft is kept; without, there is none. */
  draftKey?: DraftKey;
  /** Whether the person writes forms, and is helped by names of generators. */
  isAuthor?: boolean;
  /** Why nothing can be sent now. */
  blocked?: string | undefined;
  upload?: Upload;
  send: Send<T>;
  /** After it was sent; the form counts as saved by then. */
  onSent: (result: T) => void;
}

/**
 * A form drawn from its schema: conditions, dependent options, validation as the server does it, drafts, and one
 * submission at a time.
 */
export function SchemaForm<T>(props: SchemaFormProps<T>) {
  const { schema, org, initial, upload, isAuthor = false } = props;
  const id = useId();
  const [defaults] = useState(() => initialEntries(schema, ...(initial ?? [])));
  const form = useForm<Entries>({
    defaultValues: defaults,
    resolver: useMemo(() => resolverOf(schema), [schema]),
    mode: "onTouched",
    shouldFocusError: false,
  });
  const { control } = form;
  const draft = useDraft(form, schema, props.draftKey);
  const release = useUnsavedInput(form.formState.isDirty);
  const submission = useSubmission(form, schema, id, props.send, (result: T) => {
    draft.forget();
    release();
    props.onSent(result);
  });

  const watched = useMemo(() => [...watchedBy(schema)], [schema]);
  const entered = useWatch({ control, name: watched });
  const state = stateOf(schema, inputOf(schema, Object.fromEntries(watched.map((name, at) => [name, entered[at]]))));
  const visible = state.visible.map(Number).join("");
  const visibleNames = useMemo(
    () => new Set(schema.fields.flatMap(({ name }, at) => (name && visible[at] === "1" ? [name] : []))),
    [schema, visible],
  );
  const hasUnknown = schema.fields.some((field, at) => state.visible[at] && !isKnown(field));

  const [said, setSaid] = useState("");
  const announce = useCallback((text: string) => setSaid(text), []);
  const context: FormContextValue = useMemo(
    () => ({ schema, control, id, visibleNames, org, isAuthor, announce, upload }),
    [schema, control, id, visibleNames, org, isAuthor, announce, upload],
  );

  const [isConfirming, setIsConfirming] = useState(false);
  const [toFocus, setToFocus] = useState<string>();
  useEffect(() => {
    if (toFocus !== undefined) {
      focusField(id, toFocus);
      setToFocus(undefined);
    }
  }, [id, toFocus]);
  const onInvalid = (errors: FieldErrors<Entries>) =>
    setToFocus(schema.fields.find(({ name }) => name && errors[name])?.name);
  const blocked = hasUnknown ? strings.blockedByUnknown : props.blocked;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (blocked === undefined && !submission.isSending) {
      const go = props.confirm ? () => setIsConfirming(true) : submission.submit;
      void form.handleSubmit(go, onInvalid)();
    }
  };
  return (
    <FormProvider value={context}>
      <form noValidate onSubmit={onSubmit} className={classes.form} aria-busy={submission.isSending}>
        <Stack>
          {draft.isRestored && (
            <Alert color="gray" p="xs" icon={<IconInfoCircle aria-hidden />} role="status">
              <Group gap="sm">
                <Text size="sm">{strings.draftRestored}</Text>
                <Button size="compact-sm" variant="default" onClick={draft.discard}>
                  {strings.discard}
                </Button>
              </Group>
            </Alert>
          )}
          <ErrorSummary />
          <div className={classes.fields}>
            {schema.fields.map((field, at) =>
              state.visible[at] ? (
                <div
                  // biome-ignore lint/suspicious/noArrayIndexKey: the fields of a form never change places
                  key={at}
                  className={clsx(field.width !== "half" && classes.full)}
                >
                  <FormField field={field} required={state.required[at] === true} />
                </div>
              ) : null,
            )}
          </div>
          <Failure failure={submission.failure} schema={schema} />
          <Group className={classes.submit} gap="sm">
            <Button type="submit" loading={submission.isSending} disabled={blocked !== undefined}>
              {props.submitLabel}
            </Button>
            {blocked !== undefined && (
              <Text size="sm" c="dimmed">
                {blocked}
              </Text>
            )}
          </Group>
        </Stack>
        <VisuallyHidden role="status">{said}</VisuallyHidden>
      </form>
      {props.confirm && (
        <Modal opened={isConfirming} onClose={() => setIsConfirming(false)} title={props.confirm.title}>
          <Stack>
            <div>{props.confirm.text}</div>
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setIsConfirming(false)}>
                {strings.cancel}
              </Button>
              <Button
                data-autofocus
                onClick={() => {
                  setIsConfirming(false);
                  void submission.submit();
                }}
              >
                {props.submitLabel}
              </Button>
            </Group>
          </Stack>
        </Modal>
      )}
    </FormProvider>
  );
}

/** What the server said that belongs to no field. */
function Failure({ failure, schema }: { failure: unknown; schema: FormSchema }) {
  if (!failure) {
    return null;
  }
  const isAboutFields =
    failure instanceof Problem &&
    Object.keys(failure.fields).length > 0 &&
    Object.keys(failure.fields).every((name) => schema.fields.some((field) => field.name === name));
  return isAboutFields ? null : <ProblemAlert title={strings.submitFailed} problem={failure} />;
}

function resolverOf(schema: FormSchema): Resolver<Entries> {
  return (entries) => {
    const validated = validateEntries(schema, entries);
    if ("values" in validated) {
      return { values: entries, errors: {} };
    }
    const errors = validated.faults.map(({ field, message }) => [field, { type: "rule", message }]);
    return { values: {}, errors: Object.fromEntries(errors) };
  };
}
