import { expect, test } from "vitest";
import type { Workflow } from "@/shared/workflows/metadataQuery";
import { ownWorkflows } from "./ownWorkflows";

const workflow = (name: string): Workflow => ({
  name,
  requires_org: true,
  parameters: [],
  timeout_seconds: 60,
  exclusive: false,
  file: "workflows/x.py",
  line: 1,
});

test("favourites come first as they were starred, then the most used, then the rest by name", () => {
  const workflows = ["alpha", "beta", "delta", "gamma", "omega"].map(workflow);
  const used = new Map([
    ["beta", 2],
    ["gamma", 7],
    ["gone", 99],
  ]);
  expect(ownWorkflows(workflows, ["omega", "beta"], used).map(({ name }) => name)).toEqual([
    "omega",
    "beta",
    "gamma",
    "alpha",
    "delta",
  ]);
});

test("there are at most eight", () => {
  expect(
    ownWorkflows(
      Array.from({ length: 20 }, (_, index) => workflow(`w${index}`)),
      [],
      new Map(),
    ),
  ).toHaveLength(8);
});
