import { expect, test } from "vitest";
import { switchOrg } from "./switchOrg";

const at = (pathname: string, search = "") => switchOrg({ pathname, search }, "new");

test("the page stays", () => {
  expect(at("/o/old/config")).toEqual({ to: "/o/new/config" });
  expect(at("/o/old/workflows/onboard/run")).toEqual({ to: "/o/new/workflows/onboard/run" });
  expect(at("/o/old/integrations/halopsa")).toEqual({ to: "/o/new/integrations/halopsa" });
});

test("outside of an organization, and at its bare address, the switch leads home", () => {
  expect(at("/account")).toEqual({ to: "/o/new/home" });
  expect(at("/o/old")).toEqual({ to: "/o/new/home" });
});

test("what belongs to the old organization is dropped", () => {
  expect(at("/o/old/executions", "?status=Failed&cursor=abc&user=u1&q=mail")).toEqual({
    to: "/o/new/executions?status=Failed&q=mail",
  });
  expect(at("/o/old/workflows/onboard/run", "?from=123&first_name=Ada")).toEqual({
    to: "/o/new/workflows/onboard/run",
  });
});

test("a run stays where it is: the list is shown, and that is said", () => {
  const { to, notice } = at("/o/old/executions/123", "?tab=logs&step=2");
  expect(to).toBe("/o/new/executions");
  expect(notice).toContain("belongs to the organization");
});
