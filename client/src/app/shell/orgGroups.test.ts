import { expect, test } from "vitest";
import { ALL_RIGHTS } from "@/shared/testing/render";
import { orgGroups } from "./orgGroups";

const organizations = ["Adatum", "Café Blue", "Contoso", "New Contoso"].map((name, index) => ({
  id: `id-${index}`,
  name,
  is_active: true,
  permissions: ALL_RIGHTS,
}));
const shown = (search: string, favourites: string[] = [], recent: string[] = []) =>
  orgGroups(organizations, { favourites, recent }, search).map(({ key, organizations: of }) => [
    key,
    of.map(({ name }) => name),
  ]);

test("favourites and those used last come before all; empty groups are left out", () => {
  expect(shown("")).toEqual([["all", ["Adatum", "Café Blue", "Contoso", "New Contoso"]]]);
  expect(shown("", ["id-2"], ["id-1", "gone"])).toEqual([
    ["favourites", ["Contoso"]],
    ["recent", ["Café Blue"]],
    ["all", ["Adatum", "Café Blue", "Contoso", "New Contoso"]],
  ]);
});

test("a search ignores case and accents, and puts beginnings first", () => {
  expect(shown(" CAFE")).toEqual([["all", ["Café Blue"]]]);
  expect(shown("con", ["id-3"])).toEqual([["all", ["Contoso", "New Contoso"]]]);
  expect(shown("zzz")).toEqual([]);
});
