import { queryOptions, useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { useWatch } from "react-hook-form";
import { api, inOrg, unwrap } from "@/shared/api/client";
import { useFormContext } from "./context";
import { isEmpty, isScalar, tidy } from "./rules/values";
import { type Field, type OptionItem, titleOf } from "./schema";

/** Most options of one answer; of more, the server is asked for those that match. */
const LIMIT = 200;
/** Seconds an answer is kept when its author says nothing. */
const DEFAULT_TTL_SECONDS = 60;

/** What a field offers at the moment. */
export interface Offered {
  items: OptionItem[];
  /** Whether all options are known, so that what is not among them is not offered. */
  isComplete: boolean;
  /** Whether more exist than were answered. */
  isTruncated: boolean;
  isLoading: boolean;
  error: unknown;
  /** Titles of fields that must be filled in first. */
  waitsFor: string[];
  /** Asks the generator anew. */
  refresh: () => void;
}

/** What a field offers: its own list, or the answer of its generator to what stands in other fields. */
export function useFieldOptions(field: Field, search: string): Offered {
  const { org } = useFormContext();
  const { inputs, waitsFor } = useOptionInputs(field);
  const fresh = useRef(false);
  const options = field.options;
  const generator = options?.source === "option_generator" ? options.generator : "";
  const query = useQuery({
    ...optionsQuery(org.id, generator, inputs, search, fresh),
    enabled: generator !== "" && waitsFor.length === 0,
    // While a search is on its way, what was found before stays; answers to other inputs never do.
    placeholderData: (previous, previousQuery) =>
      previousQuery?.queryKey[4] === JSON.stringify(inputs) && previousQuery.queryKey[3] === generator
        ? previous
        : undefined,
  });
  const refresh = () => {
    fresh.current = true;
    void query.refetch();
  };
  if (options?.source === "static" || !options) {
    const items = options?.items ?? [];
    return { items, isComplete: true, isTruncated: false, isLoading: false, error: null, waitsFor: [], refresh };
  }
  const isTruncated = query.data?.truncated ?? false;
  const isCurrent = query.isSuccess && !query.isPlaceholderData && waitsFor.length === 0;
  return {
    items: waitsFor.length === 0 ? (query.data?.items ?? NO_ITEMS) : NO_ITEMS,
    isComplete: isCurrent && !isTruncated && search === "",
    isTruncated,
    isLoading: query.isFetching,
    error: query.isFetching ? null : query.error,
    waitsFor,
    refresh,
  };
}

const NO_ITEMS: OptionItem[] = [];

function optionsQuery(
  orgId: string,
  generator: string,
  inputs: Record<string, unknown>,
  search: string,
  fresh: { current: boolean },
) {
  return queryOptions({
    queryKey: ["orgs", orgId, "options", generator, JSON.stringify(inputs), search],
    // React Query cancels the request when nobody waits for this key any more.
    queryFn: async ({ signal }) => {
      const { headers } = inOrg(orgId);
      const noCache: Record<string, string> = fresh.current ? { "Cache-Control": "no-cache" } : {};
      fresh.current = false;
      const answer = await unwrap(
        api.POST("/options/{name}", {
          params: { path: { name: generator } },
          headers: { ...headers, ...noCache },
          body: { inputs, ...(search && { search }), limit: LIMIT },
          signal,
        }),
      );
      return { ...answer, items: answer.items.flatMap(readItem) };
    },
    staleTime: (query) => (query.state.data?.ttl_seconds ?? DEFAULT_TTL_SECONDS) * 1000,
    refetchOnWindowFocus: false,
  });
}

/** An option as a generator answered it; what is none is left out. */
function readItem(item: Record<string, unknown>): OptionItem[] {
  const { label, value, description, group, disabled } = item;
  if (!isScalar(value) || value === "") {
    return [];
  }
  return [
    {
      label: isScalar(label) ? String(label) : String(value),
      value,
      ...(typeof description === "string" && { description }),
      ...(typeof group === "string" && { group }),
      ...(disabled === true && { disabled }),
    },
  ];
}

/** The arguments of a field's generator, and the titles of fields that must be filled in before it can be asked. */
function useOptionInputs(field: Field) {
  const { schema, control, visibleNames } = useFormContext();
  const declared = field.options?.source === "option_generator" ? Object.entries(field.options.inputs ?? {}) : [];
  const names = declared.flatMap(([, input]) => ("field" in input ? [input.field] : []));
  const entered = useWatch({ control, name: names });
  const inputs: Record<string, unknown> = {};
  const waitsFor: string[] = [];
  for (const [argument, input] of declared) {
    if (!("field" in input)) {
      inputs[argument] = input.value;
      continue;
    }
    const source = schema.fields.find(({ name }) => name === input.field);
    const isVisible = visibleNames.has(input.field);
    const value = source && isVisible ? tidy(source, entered[names.indexOf(input.field)]) : undefined;
    if (isEmpty(value)) {
      waitsFor.push(source ? titleOf(source) : input.field);
    }
    inputs[argument] = value;
  }
  return { inputs, waitsFor };
}
