import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { Problem, Unreachable } from "@/shared/api/problem";
import { CONTOSO, renderPage } from "@/shared/testing/render";
import { hasUnsavedInput } from "@/shared/unsaved/unsavedInput";
import type { Upload } from "./context";
import { SchemaForm, type SchemaFormProps } from "./SchemaForm";
import type { Field, FormSchema, UploadedFile } from "./schema";

const form = (...fields: Field[]): FormSchema => ({ name: "Form", workflow: "workflow", fields });
const text = (name: string, rest: Partial<Field> = {}): Field => ({ name, label: name, type: "text", ...rest });

const send = vi.fn<SchemaFormProps<string>["send"]>();
const onSent = vi.fn();
beforeEach(() => {
  send.mockReset().mockResolvedValue("run");
  onSent.mockReset();
});

function show(schema: FormSchema, rest: Partial<SchemaFormProps<string>> = {}) {
  return renderPage(
    <SchemaForm schema={schema} org={CONTOSO} submitLabel="Run for Contoso" send={send} onSent={onSent} {...rest} />,
  );
}

const keyboard = () => userEvent.setup();
const submitted = async () => {
  await waitFor(() => expect(onSent).toHaveBeenCalled());
  return send.mock.calls.at(-1)?.[0];
};

/** Fills in one field with the keyboard alone and answers what is sent. */
async function typed(field: Field, keys: (user: ReturnType<typeof keyboard>) => Promise<void>) {
  const user = keyboard();
  show(form(field));
  await user.tab();
  await keys(user);
  while (document.activeElement?.textContent !== "Run for Contoso") {
    await user.tab();
  }
  await user.keyboard("{Enter}");
  return submitted();
}

test.each([
  ["text", " Ada ", "Ada"],
  ["email", "ada@example.com", "ada@example.com"],
  ["password", " secret ", " secret "],
  ["textarea", "two{Enter}lines", "two\nlines"],
  ["number", "42", 42],
  ["json", '{{"a": [[1, 2]}', { a: [1, 2] }],
])("a %s field is filled in with the keyboard alone", async (type, keys, value) => {
  const field: Field = { name: "field", label: "Field", type, required: true };
  expect(await typed(field, (user) => user.keyboard(keys))).toEqual({ field: value });
});

test.each(["checkbox", "switch"])("a %s is switched with the keyboard alone", async (type) => {
  const field: Field = { name: "field", label: "Field", type };
  expect(await typed(field, (user) => user.keyboard(" "))).toEqual({ field: true });
});

const colors: Field["options"] = {
  source: "static",
  items: [
    { label: "Red", value: "red", description: "Warm" },
    { label: "One", value: 1, group: "Numbers" },
    { label: "Blue", value: "blue" },
  ],
};

test("a select is searched and chosen with the keyboard alone, and keeps the kind of the value", async () => {
  const field: Field = { name: "field", label: "Color", type: "select", options: colors };
  expect(await typed(field, (user) => user.keyboard("One{ArrowDown}{Enter}"))).toEqual({ field: 1 });
});

test("several values are chosen and taken back with the keyboard alone", async () => {
  const field: Field = { name: "field", label: "Colors", type: "multi_select", options: colors };
  const keys = "Red{ArrowDown}{Enter}Blue{ArrowDown}{Enter}One{ArrowDown}{Enter}{Backspace}";
  expect(await typed(field, (user) => user.keyboard(keys))).toEqual({ field: ["red", "blue"] });
});

test("a radio group is chosen with the keyboard alone", async () => {
  const field: Field = { name: "field", label: "Color", type: "radio", options: colors };
  expect(await typed(field, (user) => user.keyboard(" "))).toEqual({ field: "red" });
});

test("a day is typed with the keyboard alone", async () => {
  const field: Field = { name: "field", label: "Day", type: "date" };
  expect(await typed(field, (user) => user.keyboard("2026-03-31"))).toEqual({ field: "2026-03-31" });
});

test("an instant is typed with the keyboard alone, and its zone is written beside it", async () => {
  const field: Field = { name: "field", label: "At", type: "datetime" };
  const sent = await typed(field, async (user) => {
    expect(screen.getByText(/Times are in UTC/)).toBeVisible();
    await user.keyboard("2026-03-31T09:30");
  });
  expect(sent).toEqual({ field: "2026-03-31T09:30:00+00:00" });
});

test("a value may be entered that is not offered, when the form says so", async () => {
  const field: Field = { name: "field", label: "Color", type: "select", options: { ...colors, allow_custom: true } };
  expect(await typed(field, (user) => user.keyboard("Green{ArrowDown}{Enter}"))).toEqual({ field: "Green" });
});

test("a submit that fails lists what needs a look as links and focuses the first of them; then it is live", async () => {
  const user = keyboard();
  show(
    form(
      text("a"),
      text("First name", { name: "first", required: true }),
      text("Mail", { name: "mail", type: "email" }),
    ),
  );
  await user.type(screen.getByLabelText("Mail"), "nobody");
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  const summary = await screen.findByRole("alert");
  expect(within(summary).getByText("2 entries need a look")).toBeVisible();
  const first = screen.getByLabelText(/First name/, { selector: "input" });
  await waitFor(() => expect(first).toHaveFocus());
  expect(first).toBeInvalid();
  expect(first).toHaveAccessibleDescription(/First name is required/);
  await user.click(within(summary).getByRole("link", { name: /Mail/ }));
  expect(screen.getByLabelText("Mail")).toHaveFocus();
  await user.type(first, "Ada");
  await waitFor(() => expect(within(summary).getByText("One entry needs a look")).toBeVisible());
  expect(send).not.toHaveBeenCalled();
});

test("a field is checked when it is left, not while it is typed the first time", async () => {
  const user = keyboard();
  show(form(text("a", { validation: { min_length: 3 } })));
  await user.type(screen.getByLabelText("a"), "x");
  expect(screen.queryByText("Enter at least 3 characters")).toBeNull();
  await user.tab();
  expect(await screen.findByText("Enter at least 3 characters")).toBeVisible();
  await user.type(screen.getByLabelText("a"), "yz");
  await waitFor(() => expect(screen.queryByText("Enter at least 3 characters")).toBeNull());
});

test("conditions show and require fields while one types, and what is hidden is not sent", async () => {
  const user = keyboard();
  const other = { all: [{ field: "kind", op: "eq", value: "other" }] };
  show(
    form(text("kind"), text("reason", { visible_when: other, required: true }), text("note", { required_when: other })),
  );
  expect(screen.queryByLabelText(/reason/)).toBeNull();
  await user.type(screen.getByLabelText("kind"), "other");
  await user.type(await screen.findByLabelText(/reason/), "because");
  expect(screen.getByLabelText(/note/)).toHaveAttribute("aria-required", "true");
  await user.clear(screen.getByLabelText("kind"));
  await waitFor(() => expect(screen.queryByLabelText(/reason/)).toBeNull());
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  expect(await submitted()).toEqual({});
});

test("sending again after no answer is the same request", async () => {
  const user = keyboard();
  send.mockRejectedValueOnce(new Unreachable("gone"));
  show(form(text("a")), {});
  await user.type(screen.getByLabelText("a"), "1");
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  expect(await screen.findByText("It was not started")).toBeVisible();
  expect(screen.getByLabelText("a")).toHaveValue("1");
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  await submitted();
  expect(send).toHaveBeenCalledTimes(2);
  const keys = new Set(send.mock.calls.map(([, key]) => key));
  expect(keys.size).toBe(1);
});

test("while a submission is on its way nothing else is sent", async () => {
  const user = keyboard();
  let answer = (_: string) => {};
  send.mockImplementation(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  show(form(text("a")));
  await user.type(screen.getByLabelText("a"), "1{Enter}");
  await waitFor(() => expect(send).toHaveBeenCalledTimes(1));
  await user.type(screen.getByLabelText("a"), "{Enter}");
  await user.click(screen.getByRole("button", { name: /Run for Contoso/ }));
  answer("run");
  await submitted();
  expect(send).toHaveBeenCalledTimes(1);
});

test("what the server says about a field lands on it; the rest stands above the button", async () => {
  const user = keyboard();
  const problem = { type: "/problems/parameters-invalid", title: "Invalid", status: 422 };
  send.mockRejectedValueOnce(new Problem({ ...problem, errors: [{ pointer: "#/a", detail: "is taken" }] }));
  send.mockRejectedValueOnce(new Problem({ ...problem, title: "Held", status: 409, detail: "Contoso is paused." }));
  show(form(text("a")));
  await user.type(screen.getByLabelText("a"), "1{Enter}");
  expect(await screen.findByText("Is taken")).toBeVisible();
  await waitFor(() => expect(screen.getByLabelText("a")).toHaveFocus());
  await user.type(screen.getByLabelText("a"), "2{Enter}");
  expect(await screen.findByText("Contoso is paused.")).toBeVisible();
  expect(screen.getByLabelText("a")).toHaveValue("12");
  expect(send.mock.calls[0]?.[1]).not.toBe(send.mock.calls[1]?.[1]);
});

test("a draft is kept in the tab without passwords, brought back, and discarded", async () => {
  const user = keyboard();
  const schema = form(text("a"), { name: "secret", label: "Secret", type: "password" });
  const draftKey = ["form", CONTOSO.id, "ada"] as const;
  const first = show(schema, { draftKey });
  await user.type(screen.getByLabelText("a"), "kept");
  await user.type(screen.getByLabelText("Secret"), "hidden");
  expect(hasUnsavedInput()).toBe(true);
  first.unmount();
  expect(JSON.stringify({ ...sessionStorage })).not.toContain("hidden");
  show(schema, { draftKey });
  expect(await screen.findByText("Restored your draft")).toBeVisible();
  expect(screen.getByLabelText("a")).toHaveValue("kept");
  expect(screen.getByLabelText("Secret")).toHaveValue("");
  expect(hasUnsavedInput()).toBe(true);
  await user.click(screen.getByRole("button", { name: "Discard" }));
  expect(screen.getByLabelText("a")).toHaveValue("");
  await waitFor(() => expect(hasUnsavedInput()).toBe(false));
});

test("what was sent leaves no draft and no unsaved input", async () => {
  const user = keyboard();
  const draftKey = ["form", CONTOSO.id, "ada"] as const;
  const first = show(form(text("a")), { draftKey });
  await user.type(screen.getByLabelText("a"), "1{Enter}");
  await submitted();
  expect(hasUnsavedInput()).toBe(false);
  first.unmount();
  expect(sessionStorage.length).toBe(0);
});

test("a draft of another organization or person is not shown", async () => {
  const user = keyboard();
  const first = show(form(text("a")), { draftKey: ["form", CONTOSO.id, "ada"] });
  await user.type(screen.getByLabelText("a"), "kept");
  first.unmount();
  show(form(text("a")), { draftKey: ["form", CONTOSO.id, "grace"] });
  expect(screen.getByLabelText("a")).toHaveValue("");
});

test("a field of an unknown type is shown as such and nothing can be sent", () => {
  show(form(text("a"), { name: "b", label: "B", type: "hologram" }));
  expect(screen.getByText('This page cannot show a field of type "hologram"')).toBeVisible();
  expect(screen.getByRole("button", { name: "Run for Contoso" })).toBeDisabled();
});

test("a form that asks for it is only sent after a confirmation that names the organization", async () => {
  const user = keyboard();
  show(form(text("a")), { confirm: { title: "Run for Contoso?", text: "Really" } });
  await user.type(screen.getByLabelText("a"), "1{Enter}");
  const dialog = await screen.findByRole("dialog", { name: "Run for Contoso?" });
  expect(send).not.toHaveBeenCalled();
  await user.click(within(dialog).getByRole("button", { name: "Run for Contoso" }));
  expect(await submitted()).toEqual({ a: "1" });
});

test("a text shows what was entered, without reading it as Markdown or HTML", async () => {
  const user = keyboard();
  show(form(text("a"), { type: "markdown", description: "**Hello** {{a}}! <b>raw</b> [site](https://example.com)" }));
  await user.click(screen.getByLabelText("a"));
  await user.paste("*x* <img src=x onerror=alert(1)> [l](javascript:alert(1))");
  expect(await screen.findByText(/\*x\* <img src=x onerror=alert\(1\)> \[l\]/)).toBeVisible();
  expect(screen.getByText("Hello").tagName).toBe("STRONG");
  expect(document.querySelector("form img, form b")).toBeNull();
  expect(screen.getByRole("link", { name: "site" })).toHaveAttribute("href", "https://example.com");
});

test("files are checked before they are sent, shown while they are, and can be removed", async () => {
  const user = keyboard();
  const done: ((file: UploadedFile) => void)[] = [];
  const upload = vi.fn(() => new Promise<UploadedFile>((resolve) => void done.push(resolve)));
  const field: Field = {
    name: "list",
    label: "List",
    type: "file",
    required: true,
    validation: { accept: [".csv"], max_size_mb: 0.00001, max_items: 2 },
  };
  show(form(field), { upload });
  const input = document.querySelector<HTMLInputElement>("input[type=file]");
  if (!input) {
    throw new Error("there is no file input");
  }
  const anyFile = userEvent.setup({ applyAccept: false });
  await anyFile.upload(input, new File(["x"], "virus.exe"));
  expect(await screen.findByText("virus.exe is not one of .csv")).toBeVisible();
  await anyFile.upload(input, new File(["x".repeat(100)], "large.csv"));
  expect(await screen.findByText("large.csv is larger than 0.00001 MB")).toBeVisible();
  expect(upload).not.toHaveBeenCalled();
  await anyFile.upload(input, [new File(["1"], "a.csv"), new File(["2"], "b.csv")]);
  expect(await screen.findByRole("progressbar", { name: "Uploading a.csv" })).toBeInTheDocument();
  done[1]?.({ id: "2", name: "b.csv", size_bytes: 1, content_type: "text/csv" });
  done[0]?.({ id: "1", name: "a.csv", size_bytes: 1, content_type: "text/csv" });
  await waitFor(() => expect(screen.queryByRole("progressbar")).toBeNull());
  screen.getByRole("button", { name: "Remove b.csv" }).focus();
  await user.keyboard("{Enter}");
  screen.getByRole("button", { name: "Run for Contoso" }).focus();
  await user.keyboard("{Enter}");
  expect(await submitted()).toEqual({ list: [{ id: "1", name: "a.csv", size_bytes: 1, content_type: "text/csv" }] });
});

test("a file that is chosen instead of one on its way aborts that, and a refusal is told in the server's words", async () => {
  const sent: { file: File; signal: AbortSignal; refuse: (reason: unknown) => void }[] = [];
  const upload: Upload = (file, { signal }) =>
    new Promise((_, refuse) => {
      sent.push({ file, signal, refuse });
    });
  show(form({ name: "list", label: "List", type: "file" }), { upload });
  const input = document.querySelector<HTMLInputElement>("input[type=file]");
  if (!input) {
    throw new Error("there is no file input");
  }
  await userEvent.upload(input, new File(["1"], "a.csv"));
  await userEvent.upload(input, new File(["2"], "b.csv"));
  expect(sent.map(({ file, signal }) => [file.name, signal.aborted])).toEqual([
    ["a.csv", true],
    ["b.csv", false],
  ]);
  sent[1]?.refuse(new Problem({ type: "/problems/uploads-full", title: "Full", status: 409, detail: "Remove some." }));
  expect(await screen.findByText("b.csv was not taken. Remove some.")).toBeVisible();
});

test("in a form of 200 fields, typing draws only the field that is typed into", async () => {
  show(form(...Array.from({ length: 200 }, (_, at) => text(`field ${at}`, { name: `f${at}` }))));
  const inputs = Array.from(document.querySelectorAll<HTMLInputElement>("form input"));
  const [typedInto, other] = [inputs[3], inputs[150]];
  if (!typedInto || !other) {
    throw new Error("there are not as many fields");
  }
  const mutated: Node[] = [];
  const observer = new MutationObserver((records) => mutated.push(...records.map(({ target }) => target)));
  observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  fireEvent.change(typedInto, { target: { value: "abc" } });
  await waitFor(() => expect(typedInto).toHaveValue("abc"));
  observer.disconnect();
  expect(mutated.some((node) => other.parentElement?.contains(node))).toBe(false);
  fireEvent.submit(typedInto);
  expect(await submitted()).toEqual({ f3: "abc" });
});
