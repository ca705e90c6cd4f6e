import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/shared/api/client";
import type { FormSchema, Input } from "@/shared/form/schema";
import { titleOf } from "@/shared/form/schema";
import type { components } from "@/types/api";

export type EarlierRun = components["schemas"]["ExecutionView"];

/** The run to repeat. Asked without an organization: it may have been for another one. */
export function earlierRunQuery(orgId: string, id: string) {
  return queryOptions({
    queryKey: ["orgs", orgId, "executions", "again", id],
    queryFn: ({ signal }) => unwrap(api.GET("/api/executions/{id}", { params: { path: { id } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What an earlier run means for the form that repeats it. */
export interface Again {
  run: EarlierRun;
  /** What is filled in. */
  input: Input;
  /** Whether the new run can name the earlier one. */
  isLinked: boolean;
  isOtherWorkflow: boolean;
  isTooLong: boolean;
  isChanged: boolean;
  /** Titles of fields that are left blank: passwords are not kept. */
  blank: string[];
  /** Parameters the earlier run had and the workflow no longer takes. */
  gone: string[];
  /** Titles of fields that must be filled in and the earlier run did not have. */
  added: string[];
}

export function againOf(run: EarlierRun, schema: FormSchema, bundle: string, orgId: string): Again {
  const isOtherWorkflow = run.workflow_name !== schema.workflow;
  const isTooLong = !isOtherWorkflow && !run.input;
  const input: Input = isOtherWorkflow || !run.input ? {} : run.input;
  const isKept = ({ type }: { type: string }) => type !== "password" && type !== "file";
  const isFilled = !isOtherWorkflow && !isTooLong;
  const names = new Set(schema.fields.map(({ name }) => name));
  return {
    run,
    input,
    isLinked: !isOtherWorkflow && (run.org_id ?? "all") === orgId,
    isOtherWorkflow,
    isTooLong,
    isChanged: isFilled && run.bundle_hash !== bundle,
    blank: isFilled ? schema.fields.filter((field) => !isKept(field)).map(titleOf) : [],
    gone: Object.keys(input).filter((name) => !names.has(name)),
    added: schema.fields
      .filter((field) => isFilled && field.required && isKept(field) && !(field.name && field.name in input))
      .map(titleOf),
  };
}
