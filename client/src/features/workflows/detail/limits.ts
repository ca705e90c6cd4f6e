import type { Workflow } from "@/shared/workflows/metadataQuery";
import { strings } from "@/strings/workflows";

type Validation = NonNullable<Workflow["parameters"][number]["validation"]>;

/** The limits of a parameter in words. */
export function limitsOf({ validation = {} }: { validation?: Validation | null }): string[] {
  const { min, max, min_length, max_length, min_items, max_items, pattern } = validation ?? {};
  const range = rangeOf(min, max);
  const characters = rangeOf(min_length, max_length);
  const items = rangeOf(min_items, max_items);
  return [
    ...(range ? [range] : []),
    ...(characters ? [strings.limit.characters(characters)] : []),
    ...(items ? [strings.limit.items(items)] : []),
    ...(pattern ? [strings.limit.pattern(pattern)] : []),
  ];
}

function rangeOf(min: number | null | undefined, max: number | null | undefined): string | undefined {
  if (typeof min === "number" && typeof max === "number") {
    return strings.limit.between(min, max);
  }
  if (typeof min === "number") {
    return strings.limit.atLeast(min);
  }
  return typeof max === "number" ? strings.limit.atMost(max) : undefined;
}
