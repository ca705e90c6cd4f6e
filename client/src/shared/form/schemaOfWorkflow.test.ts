import { expect, test } from "vitest";
import type { components } from "@/types/api";
import { initialEntries, valuesFromUrl } from "./rules/entries";
import { schemaOfWorkflow } from "./schemaOfWorkflow";

type Parameter = components["schemas"]["Parameter"];

const parameter = (name: string, type: Parameter["type"], rest: Partial<Parameter> = {}): Parameter => ({
  name,
  type,
  required: true,
  ...rest,
});

const workflow = (...parameters: Parameter[]): components["schemas"]["Workflow"] => ({
  name: "onboard",
  description: "",
  category: "",
  requires_org: true,
  parameters,
  timeout_seconds: 60,
  exclusive: false,
  file: "onboard.py",
  line: 1,
});

const generators = [{ name: "teams", inputs: ["department", "other"], cache_seconds: 60, file: "options.py", line: 1 }];

test("every type of parameter gets a control that sends what it takes", () => {
  const schema = schemaOfWorkflow(
    workflow(
      parameter("first_name", "string"),
      parameter("notes", "string", { validation: { max_length: 500 } }),
      parameter("count", "int", { validation: { min: 1, max: 5 } }),
      parameter("ratio", "number"),
      parameter("agreed", "bool"),
      parameter("mail", "email", { label: "Mail", help: "Theirs" }),
      parameter("secret", "password"),
      parameter("day", "date"),
      parameter("at", "datetime"),
      parameter("level", "select", { options: [1, "two"] }),
      parameter("many", "multi_select", { options: ["a"], validation: { max_items: 2 } }),
      parameter("anything", "json", { required: false, default: { a: 1 } }),
    ),
  );
  expect(schema.fields.map(({ name, type, required }) => [name, type, required])).toEqual([
    ["first_name", "text", true],
    ["notes", "textarea", true],
    ["count", "number", true],
    ["ratio", "number", true],
    ["agreed", "checkbox", false],
    ["mail", "email", true],
    ["secret", "password", true],
    ["day", "date", true],
    ["at", "datetime", true],
    ["level", "select", true],
    ["many", "multi_select", true],
    ["anything", "json", false],
  ]);
  expect(schema.fields[0]?.label).toBe("First name");
  expect(schema.fields[2]?.validation).toMatchObject({ min: 1, max: 5, step: 1 });
  expect(schema.fields[5]).toMatchObject({ label: "Mail", description: "Theirs" });
  expect(schema.fields[9]?.options).toMatchObject({ items: [{ value: 1 }, { value: "two", label: "two" }] });
});

test("arguments of a generator are filled with the parameters of the same name", () => {
  const schema = schemaOfWorkflow(
    workflow(parameter("department", "string"), parameter("team", "string", { options_from: "teams" })),
    generators,
  );
  expect(schema.fields[1]).toMatchObject({
    type: "select",
    options: { generator: "teams", inputs: { department: { field: "department" } } },
  });
  expect(schema.fields[1]?.options).not.toHaveProperty("inputs.other");
});

test("values of the address fill fields in their kinds; those a field does not accept are ignored", () => {
  const schema = schemaOfWorkflow(
    workflow(
      parameter("first_name", "string", { default: "Ada" }),
      parameter("count", "int", { default: 3 }),
      parameter("ratio", "number"),
      parameter("agreed", "bool"),
      parameter("level", "select", { options: [1, "two"] }),
      parameter("many", "multi_select", { options: ["a", 2] }),
      parameter("day", "date"),
      parameter("secret", "password"),
    ),
  );
  const from = (search: string) => initialEntries(schema, valuesFromUrl(schema, new URLSearchParams(search)));
  expect(from("first_name=Grace&count=5&ratio=0.5&agreed=true&level=1&many=a&many=2&day=2026-03-31")).toEqual({
    first_name: "Grace",
    count: 5,
    ratio: 0.5,
    agreed: true,
    level: 1,
    many: ["a", 2],
    day: "2026-03-31",
    secret: "",
  });
  expect(from("count=many&ratio=&agreed=maybe&level=9&many=x&day=2026-02-30&secret=hidden&unknown=1")).toEqual({
    first_name: "Ada",
    count: 3,
    ratio: "",
    agreed: false,
    level: null,
    many: null,
    day: null,
    secret: "",
  });
});
