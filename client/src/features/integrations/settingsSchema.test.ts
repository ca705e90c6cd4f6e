import { expect, test } from "vitest";
import { clearsCredential, fieldsOf, settingFaults, settingsOf, textsOf } from "./settingsSchema";

const schema = {
  type: "object",
  properties: {
    base_url: { type: "string", title: "Address" },
    client_secret: { type: "string", title: "Client secret", writeOnly: true, minLength: 8 },
    number: { type: "integer", title: "Number", minimum: 1 },
  },
  required: ["base_url"],
};
const fields = fieldsOf(schema);

test("a schema becomes fields in its order", () => {
  expect(
    fields.map(({ name, label, isInteger, isCredential, isRequired }) => [
      name,
      label,
      isInteger,
      isCredential,
      isRequired,
    ]),
  ).toEqual([
    ["base_url", "Address", false, false, true],
    ["client_secret", "Client secret", false, true, false],
    ["number", "Number", true, false, false],
  ]);
  expect(fieldsOf(null)).toEqual([]);
});

test("a credential is never filled in, and left out when it is empty", () => {
  expect(textsOf(fields, { base_url: "https://a", client_secret: "leaked", number: 7 })).toEqual({
    base_url: "https://a",
    client_secret: "",
    number: "7",
  });
  expect(settingsOf(fields, { base_url: " https://a ", client_secret: "", number: "7" })).toEqual({
    base_url: "https://a",
    number: 7,
  });
});

test("what is missing, short or no number is said by name", () => {
  expect(settingFaults(fields, { base_url: " ", client_secret: "short", number: "0" })).toEqual({
    base_url: "Enter Address",
    client_secret: "Enter at least 8 characters",
    number: "Enter a whole number of at least 1, such as 7",
  });
  expect(settingFaults(fields, { base_url: "https://a", client_secret: "", number: "" })).toEqual({});
});

test("another address or tenant clears the stored credential, another number does not", () => {
  const before = { base_url: "https://a", tenant: "t", number: "1" };
  expect(clearsCredential(before, { ...before, number: "2" })).toBe(false);
  expect(clearsCredential(before, { ...before, tenant: "" })).toBe(true);
  expect(clearsCredential(before, { ...before, base_url: "https://b" })).toBe(true);
});
