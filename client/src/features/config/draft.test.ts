import { expect, test } from "vitest";
import { bodyOf, type Draft, draftOf, emptyDraft, faultsOf, withType } from "./draft";

const draft = (changes: Partial<Draft>): Draft => ({ ...emptyDraft, key: "seats", ...changes });

test("each type says what it expects", () => {
  expect(faultsOf(draft({ type: "int", text: "many" }), [])).toEqual({ value: "Enter a whole number, such as 25" });
  expect(faultsOf(draft({ type: "int", text: " -5 " }), [])).toEqual({});
  expect(faultsOf(draft({ type: "secret_ref", text: "" }), [])).toEqual({ value: "Enter a value" });
  expect(faultsOf(draft({ type: "secret_ref", text: "a b" }), []).value).toMatch(/^Use letters/);
  expect(faultsOf(draft({ type: "string", text: "" }), [])).toEqual({});
});

test("a key is one the server takes, and not one that has a value", () => {
  expect(faultsOf(draft({ key: "" }), []).key).toBe("Enter a key");
  expect(faultsOf(draft({ key: "-x" }), []).key).toMatch(/^Use letters/);
  expect(faultsOf(draft({ key: "x".repeat(121) }), []).key).toMatch(/^Use letters/);
  expect(faultsOf(draft({ key: "seats" }), ["seats"]).key).toMatch(/has a value already/);
  expect(faultsOf(draft({ key: "_a.b-c" }), [])).toEqual({});
});

test("numbers beyond those of JavaScript arrive as they were typed", () => {
  expect(bodyOf(draft({ type: "int", text: " 9007199254740993 " })).value).toBe("9007199254740993");
});

test("a truth value is sent as one, and an empty description as none", () => {
  expect(bodyOf(draft({ type: "bool", text: "false", description: "  " }))).toEqual({
    type: "bool",
    value: false,
    description: null,
  });
});

test("a change of type keeps the text where it can mean something", () => {
  const text = draft({ type: "string", text: "25" });
  expect(withType(text, "int").text).toBe("25");
  expect(withType(text, "bool").text).toBe("false");
  expect(withType(draft({ type: "bool", text: "true" }), "string").text).toBe("");
});

test("an entry becomes a draft and back without a change", () => {
  const entry = {
    key: "seats",
    type: "bool" as const,
    value: true,
    description: "d",
    origin: "organization" as const,
    updated_at: "2026-11-25T10:00:00Z",
    updated_by: "platform",
  };
  expect(bodyOf(draftOf(entry))).toEqual({ type: "bool", value: true, description: "d" });
});
