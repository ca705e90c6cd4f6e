import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Field, FormSchema } from "../schema";
import { stateOf } from "./conditions";
import { compilePattern } from "./pattern";
import { validate } from "./submission";

/** The vectors that the server is run against as well. */
function vectors<T>(file: string): T[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../../../../../crates/domain/vectors", file), "utf8"));
}

const form = (fields: Field[]): FormSchema => ({ name: "Form", workflow: "workflow", fields });

interface PatternVector {
  pattern: string;
  refused?: true;
  matches?: string[];
  misses?: string[];
}

test.each(vectors<PatternVector>("patterns.json"))("the pattern $pattern", ({ pattern, refused, matches, misses }) => {
  const matcher = compilePattern(pattern);
  expect(matcher === undefined).toBe(refused === true);
  for (const text of matches ?? []) {
    expect(matcher?.(text), `matches ${JSON.stringify(text)}`).toBe(true);
  }
  for (const text of misses ?? []) {
    expect(matcher?.(text), `misses ${JSON.stringify(text)}`).toBe(false);
  }
});

interface ConditionVector {
  name: string;
  fields: Field[];
  cases: { input: Record<string, unknown>; visible: string[]; required: string[] }[];
}

test.each(vectors<ConditionVector>("conditions.json"))("conditions: $name", ({ fields, cases }) => {
  for (const { input, visible, required } of cases) {
    const state = stateOf(form(fields), input);
    const names = (flags: boolean[]) => fields.filter((_, at) => flags[at]).map((field) => field.name);
    expect({ input, visible: names(state.visible), required: names(state.required) }).toEqual({
      input,
      visible,
      required,
    });
  }
});

interface SubmissionVector {
  name: string;
  fields: Field[];
  cases: { input: Record<string, unknown>; values?: Record<string, unknown>; faults?: [string, string][] }[];
}

test.each(vectors<SubmissionVector>("submissions.json"))("submissions: $name", ({ fields, cases }) => {
  for (const expected of cases) {
    const { input } = expected;
    const answer = validate(form(fields), input);
    const pointer = (name: string) => `#/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const got =
      "values" in answer
        ? { input, values: answer.values }
        : { input, faults: answer.faults.map(({ field, message }) => [pointer(field), message]) };
    // Both through JSON: what is sent knows no -0.
    expect(JSON.parse(JSON.stringify(got))).toEqual(JSON.parse(JSON.stringify(expected)));
  }
});
