import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { useShortcutListener } from "@/shared/shortcuts/shortcuts";
import { CONTOSO, renderPage, someone } from "@/shared/testing/render";
import type { Column } from "./columns";
import { DataTable, type RowsSource } from "./DataTable";
import type { TableFilter } from "./filters";
import { useTableState } from "./useTableState";

interface Fruit {
  id: string;
  name: string;
  colour: string;
}

const fruits: Fruit[] = [
  { id: "1", name: "Apple", colour: "red" },
  { id: "2", name: "Banana", colour: "yellow" },
  { id: "3", name: "Cherry", colour: "red" },
];

const columns: Column<Fruit>[] = [
  { id: "name", title: "Name", width: 120, isMain: true, render: (fruit) => fruit.name },
  { id: "colour", title: "Colour", width: 120, card: "line", render: (fruit) => fruit.colour },
  { id: "note", title: "Note", width: 120, isOptional: true, render: () => "sweet" },
];

const filters: TableFilter[] = [
  { kind: "search", id: "q", label: "Search fruit" },
  { kind: "choice", id: "colour", label: "Colour", choices: ["red", "yellow"].map((c) => ({ value: c, label: c })) },
  { kind: "days", fromId: "from", toId: "to", label: "Picked" },
];

const loaded: RowsSource = { isPending: false, isPlaceholderData: false, error: null, refetch: () => undefined };

interface BasketProps {
  rows?: Fruit[] | undefined;
  source?: Partial<RowsSource>;
  nextCursor?: string | null;
}

function Basket({ rows = fruits, source, nextCursor }: BasketProps) {
  useShortcutListener(true);
  const state = useTableState("fruit", ["q", "colour", "from", "to"]);
  return (
    <DataTable
      state={state}
      source={{ ...loaded, ...source }}
      rows={source && "error" in source ? undefined : rows}
      label="Fruit"
      columns={columns}
      rowId={(fruit) => fruit.id}
      rowLink={(fruit) => `/fruit/${fruit.id}`}
      rowActions={(fruit) => [
        { label: `Eat ${fruit.name}`, to: `/eat/${fruit.id}` },
        { label: "Plant", disabledReason: "It has no seed" },
      ]}
      rowActionsLabel={(fruit) => `Actions for ${fruit.name}`}
      filters={filters}
      nextCursor={nextCursor === undefined ? ({ c1: "c2", c2: null }[state.url.cursor ?? ""] ?? "c1") : nextCursor}
      errorTitle="The fruit could not be loaded"
      empty={{ nothingYet: <p>No fruit yet</p>, nothingMatches: "No fruit matches" }}
    />
  );
}

const at = `/o/${CONTOSO.id}/fruit`;
const here = (router: { state: { location: { pathname: string; search: string } } }) =>
  router.state.location.pathname + router.state.location.search;
const head = () => screen.getAllByRole("columnheader").map((cell) => cell.textContent);

test("the name is a link, and a click anywhere on the row follows it", async () => {
  const user = userEvent.setup();
  const { router } = renderPage(<Basket />, { at });
  expect(screen.getByRole("link", { name: "Banana" })).toHaveAttribute("href", "/fruit/2");
  await user.click(screen.getByRole("cell", { name: "yellow" }));
  expect(here(router)).toBe("/fruit/2");
});

test("what can be done with a row is in one named menu, with the reason for what cannot", async () => {
  const user = userEvent.setup();
  const { router } = renderPage(<Basket />, { at });
  await user.click(screen.getByRole("button", { name: "Actions for Cherry" }));
  expect(here(router)).toBe(at);
  expect(await screen.findByRole("menuitem", { name: /Plant.*It has no seed/ })).toBeDisabled();
  await user.click(screen.getByRole("menuitem", { name: "Eat Cherry" }));
  expect(here(router)).toBe("/eat/3");
});

test("a chosen filter is a chip and stands in the URL, and Clear filters removes all of them", async () => {
  const user = userEvent.setup();
  const { router } = renderPage(<Basket />, { at: `${at}?cursor=abc&from=2026-11-01` });
  expect(screen.getByRole("button", { name: "Picked: from 2026-11-01" })).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Colour" }));
  await user.click(await screen.findByRole("option", { name: "red" }));
  expect(here(router)).toBe(`${at}?from=2026-11-01&colour=red`);
  await user.click(screen.getByRole("button", { name: "Remove the filter Picked" }));
  expect(here(router)).toBe(`${at}?colour=red`);
  expect(screen.getByRole("button", { name: "Colour: red" })).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Clear filters" }));
  expect(here(router)).toBe(at);
  expect(screen.queryByRole("button", { name: "Clear filters" })).not.toBeInTheDocument();
});

test("a search is asked when typing rests or Enter is pressed, and leaves one step in the history", async () => {
  const user = userEvent.setup();
  const { router } = renderPage(<Basket />, { at });
  const field = screen.getByRole("searchbox", { name: "Search fruit" });
  await user.type(field, "app");
  await waitFor(() => expect(here(router)).toBe(`${at}?q=app`));
  await user.type(field, "le{Enter}");
  expect(here(router)).toBe(`${at}?q=apple`);
  expect(router.state.historyAction).toBe("REPLACE");
});

test("Older and Newer go page by page, with the filters", async () => {
  const user = userEvent.setup();
  const { router } = renderPage(<Basket />, { at: `${at}?colour=red` });
  const press = (name: string) => user.click(screen.getByRole("button", { name }));
  expect(screen.getByRole("button", { name: "Newer" })).toBeDisabled();
  await press("Older");
  expect(here(router)).toBe(`${at}?colour=red&cursor=c1`);
  await press("Older");
  expect(here(router)).toBe(`${at}?colour=red&cursor=c2`);
  await press("Newer");
  expect(here(router)).toBe(`${at}?colour=red&cursor=c1`);
  await press("Newer");
  expect(here(router)).toBe(`${at}?colour=red`);
});

test("the way back is kept in the history entry, where a reload finds it", async () => {
  const user = userEvent.setup();
  const { router } = renderPage(<Basket />, { at });
  await user.click(screen.getByRole("button", { name: "Older" }));
  await user.click(screen.getByRole("button", { name: "Older" }));
  expect(router.state.location.state).toEqual({ trail: ["c1"] });
});

test("a page that was opened by a link goes back to the newest rows", async () => {
  const user = userEvent.setup();
  const { router } = renderPage(<Basket nextCursor={null} />, { at: `${at}?cursor=c7` });
  expect(screen.getByRole("button", { name: "Older" })).toBeDisabled();
  await user.click(screen.getByRole("button", { name: "Newer" }));
  expect(here(router)).toBe(at);
});

test("columns that were hidden, shown and moved are so on the first paint, for this person only", async () => {
  const user = userEvent.setup();
  const first = renderPage(<Basket />, { at });
  expect(head()).toEqual(["Name", "Colour", "Actions"]);
  await user.click(screen.getByRole("button", { name: "Columns" }));
  expect(await screen.findByRole("checkbox", { name: "Name" })).toBeDisabled();
  await user.click(screen.getByRole("checkbox", { name: "Note" }));
  await user.click(screen.getByRole("button", { name: "Move Note up" }));
  await user.click(screen.getByRole("checkbox", { name: "Colour" }));
  await user.click(screen.getByRole("button", { name: "Move Note up" }));
  expect(head()).toEqual(["Note", "Name", "Actions"]);
  first.unmount();

  const again = renderPage(<Basket />, { at: "/o/22222222-2222-4222-8222-222222222222/fruit" });
  expect(head()).toEqual(["Note", "Name", "Actions"]);
  again.unmount();

  const { user: ada, ...others } = someone();
  renderPage(<Basket />, { at, me: { ...others, user: { ...ada, id: "88888888-8888-4888-8888-888888888888" } } });
  expect(head()).toEqual(["Name", "Colour", "Actions"]);
});

test("the edge of a column is moved with the arrow keys and stays there", async () => {
  const user = userEvent.setup();
  const first = renderPage(<Basket />, { at });
  const edge = () => screen.getByRole("separator", { name: "Width of the column Colour" });
  edge().focus();
  await user.keyboard("{ArrowRight}{ArrowRight}{ArrowLeft}");
  expect(edge()).toHaveAttribute("aria-valuenow", "136");
  first.unmount();
  renderPage(<Basket />, { at });
  expect(edge()).toHaveAttribute("aria-valuenow", "136");
});

test("the page size is in the URL and remembered", async () => {
  const user = userEvent.setup();
  const first = renderPage(<Basket />, { at });
  await user.selectOptions(screen.getByRole("combobox", { name: "Rows per page" }), "100");
  expect(here(first.router)).toBe(`${at}?size=100`);
  first.unmount();
  renderPage(<Basket />, { at });
  expect(screen.getByRole("combobox", { name: "Rows per page" })).toHaveValue("100");
});

test("nothing yet and nothing that matches are told apart", async () => {
  const user = userEvent.setup();
  const { router } = renderPage(<Basket rows={[]} nextCursor={null} />, { at: `${at}?colour=red` });
  expect(screen.getByText("No fruit matches")).toBeInTheDocument();
  await user.click(screen.getAllByRole("button", { name: "Clear filters" })[0] as HTMLElement);
  expect(here(router)).toBe(at);
  expect(screen.getByText("No fruit yet")).toBeInTheDocument();
});

test("a failure says what failed and tries again", async () => {
  const user = userEvent.setup();
  const refetch = vi.fn();
  renderPage(<Basket source={{ error: new Error("no"), refetch }} />, { at });
  expect(screen.getByRole("alert")).toHaveTextContent("The fruit could not be loaded");
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(refetch).toHaveBeenCalledOnce();
});

test("while a filter loads, the rows stay and say that they are busy", () => {
  const { container } = renderPage(<Basket source={{ isPlaceholderData: true }} />, { at });
  const busy = container.querySelector("[aria-busy=true]");
  expect(within(busy as HTMLElement).getByRole("link", { name: "Apple" })).toBeInTheDocument();
});

test("j and k move between rows and Enter opens, unless somebody types", async () => {
  const user = userEvent.setup();
  const { router } = renderPage(<Basket />, { at });
  await user.keyboard("jjk");
  expect(screen.getByRole("link", { name: "Apple" })).toHaveFocus();
  await user.keyboard("jj");
  expect(screen.getByRole("link", { name: "Cherry" })).toHaveFocus();
  await user.click(screen.getByRole("searchbox"));
  await user.keyboard("jk");
  expect(screen.getByRole("searchbox")).toHaveValue("jk");
  screen.getByRole("link", { name: "Cherry" }).focus();
  await user.keyboard("{Enter}");
  expect(here(router)).toBe("/fruit/3");
});

test("on a narrow screen rows are cards with the same link and menu", () => {
  vi.spyOn(window, "matchMedia").mockImplementation(
    (query) =>
      ({ ...new EventTarget(), matches: true, media: query, addEventListener() {}, removeEventListener() {} }) as never,
  );
  renderPage(<Basket />, { at });
  const list = screen.getByRole("list", { name: "Fruit" });
  expect(within(list).getAllByRole("listitem")).toHaveLength(3);
  expect(within(list).getByRole("link", { name: "Banana" })).toBeInTheDocument();
  expect(within(list).getByRole("button", { name: "Actions for Banana" })).toBeInTheDocument();
  expect(screen.queryByRole("table")).not.toBeInTheDocument();
});
