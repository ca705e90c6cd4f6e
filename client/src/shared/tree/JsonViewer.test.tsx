import { MantineProvider } from "@mantine/core";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { JsonViewer } from "./JsonViewer";
import type { Json } from "./json";

beforeEach(() => {
  // Nothing has a size here; the tree renders what fits into its box.
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(400);
});

function show(value: Json) {
  render(
    <MantineProvider env="test">
      <JsonViewer value={value} label="Result" />
    </MantineProvider>,
  );
  return userEvent.setup();
}

const items = () => within(screen.getByRole("tree", { name: "Result" })).getAllByRole("treeitem");
const selected = () => items().filter((item) => item.getAttribute("aria-selected") === "true");

test("keys move through the tree, open and close it", async () => {
  const user = show({ user: { id: 7, groups: ["a", "b"] }, ok: true });
  screen.getByRole("tree").focus();
  expect(selected()[0]).toHaveTextContent("2 members");
  await user.keyboard("{ArrowDown}");
  expect(selected()[0]).toHaveTextContent("user:");
  expect(screen.getByRole("tree")).toHaveAttribute("aria-activedescendant", selected()[0]?.id);
  await user.keyboard("{ArrowLeft}");
  expect(selected()[0]).toHaveAttribute("aria-expanded", "false");
  expect(items()).toHaveLength(3);
  await user.keyboard("{ArrowRight}{ArrowRight}");
  expect(selected()[0]).toHaveTextContent("id:7");
  await user.keyboard("{End}");
  expect(selected()[0]).toHaveTextContent("ok:true");
  await user.keyboard("{Home}{Enter}");
  expect(items()).toHaveLength(1);
});

test("the selected value and its path are copied", async () => {
  const user = show({ users: [{ name: "Ada" }] });
  await user.click(screen.getByText("0:"));
  await user.click(screen.getByText('"Ada"'));
  await user.click(screen.getByRole("button", { name: "Copy path" }));
  expect(await navigator.clipboard.readText()).toBe("$.users[0].name");
  await user.click(screen.getByRole("button", { name: "Copy value" }));
  expect(await navigator.clipboard.readText()).toBe("Ada");
});

test("a long text is shown whole when it is selected", async () => {
  const text = "All work and no play. ".repeat(30);
  const user = show({ text });
  await user.click(screen.getByText("text:"));
  expect(screen.getByText(text.trim(), { exact: false, selector: "pre" })).toBeInTheDocument();
});

test("of forty thousand rows only those in view are rendered", async () => {
  const user = show(Array.from({ length: 40_000 }, (_, id) => ({ id })));
  expect(screen.getByText("Rows 1 to 50 of 40,000")).toBeInTheDocument();
  await user.click(screen.getByRole("radio", { name: "Tree" }));
  expect(items().length).toBeGreaterThan(10);
  expect(items().length).toBeLessThan(100);
});

test("an array of flat objects is a table in pages, with masks as dots", async () => {
  const rows = Array.from({ length: 60 }, (_, id) => ({ id, secret: "********", on: id % 2 === 0 }));
  const user = show(rows);
  expect(screen.getAllByRole("columnheader").map((cell) => cell.textContent)).toEqual(["id", "secret", "on"]);
  expect(screen.getAllByRole("row")).toHaveLength(51);
  expect(screen.queryByText(/\*\*/)).not.toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "2" }));
  expect(screen.getByText("Rows 51 to 60 of 60")).toBeInTheDocument();
});

test("raw text is indented JSON", async () => {
  const user = show({ a: [1] });
  await user.click(screen.getByRole("radio", { name: "Raw" }));
  expect(screen.getByRole("region", { name: "Result" }).textContent).toBe('{\n  "a": [\n    1\n  ]\n}');
});
