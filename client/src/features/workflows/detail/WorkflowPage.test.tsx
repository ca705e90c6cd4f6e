import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { CONTOSO, renderPage, someone } from "@/shared/testing/render";
import type { Workflow } from "@/shared/workflows/metadataQuery";
import WorkflowPage from "./WorkflowPage";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const onboard: Workflow = {
  name: "onboard",
  description: "Creates a user",
  category: "users",
  requires_org: true,
  parameters: [
    { name: "first_name", type: "string", required: true, label: "First name", validation: { max_length: 64 } },
    { name: "seats", type: "int", required: false, default: 5, help: "How many", validation: { min: 1, max: 9 } },
    { name: "license", type: "string", required: true, options_from: "get_licenses" },
  ],
  timeout_seconds: 1_800,
  exclusive: false,
  file: "workflows/users.py",
  line: 19,
};
const run = {
  id: "0197c1c8-7a4e-7c41-9e0b-00000000e271",
  org_id: CONTOSO.id,
  workflow_name: "onboard",
  executed_by: "77777777-7777-4777-8777-777777777777",
  executed_by_name: "Grace",
  trigger: "api",
  status: "Success",
  started_at: "2026-11-25T10:00:00Z",
};

function offers(workflows: Workflow[]) {
  server.use(
    http.get("*/admin/metadata", () =>
      HttpResponse.json({ bundle: "b", workflows, option_generators: [], errors: [], warnings: [] }),
    ),
    http.get("*/api/executions", ({ request }) => {
      const isAsked = new URL(request.url).searchParams.get("workflow") === "onboard";
      return HttpResponse.json({ items: isAsked ? [run] : [], next_cursor: null });
    }),
  );
}

const path = "/o/:org/workflows/:name";
const at = `/o/${CONTOSO.id}/workflows/onboard`;

test("parameters show what they ask for", async () => {
  offers([onboard]);
  renderPage(<WorkflowPage />, { at, path });
  const table = await screen.findByRole("table", { name: "Parameters" });
  const rows = within(table).getAllByRole("row").slice(1);
  expect(
    rows.map((row) =>
      within(row)
        .getAllByRole("cell")
        .map((cell) => cell.textContent),
    ),
  ).toEqual([
    ["First nameRequiredfirst_name", "Text", "", "", "at most 64 characters"],
    ["seatsseatsHow many", "Whole number", "5", "", "1 to 9"],
    ["licenseRequiredlicense", "Text", "", "From get_licenses", ""],
  ]);
});

test("the button names the organization and leads to the form; recent runs lead to theirs", async () => {
  offers([onboard]);
  renderPage(<WorkflowPage />, { at, path });
  expect(await screen.findByRole("link", { name: "Run for Contoso" })).toHaveAttribute("href", `${at}/run`);
  expect(await screen.findByRole("link", { name: "Run by Grace" })).toHaveAttribute(
    "href",
    `/o/${CONTOSO.id}/executions/${run.id}`,
  );
  expect(screen.getByRole("link", { name: "All its runs" })).toHaveAttribute(
    "href",
    `/o/${CONTOSO.id}/executions?workflow=onboard`,
  );
});

test("while everything is paused the page says who paused it and why, and does not run", async () => {
  const user = userEvent.setup();
  offers([onboard]);
  const pause = {
    id: "all",
    reason: "Wrong tenant",
    paused_by: "platform",
    paused_by_name: "Grace",
    paused_at: "2026-11-25T10:00:00Z",
  };
  const { router } = renderPage(<WorkflowPage />, { at, path, me: someone({ pauses: [pause] }) });
  expect(await screen.findByText("New runs are held back")).toBeInTheDocument();
  expect(screen.getByText(/Paused by Grace.*Wrong tenant/)).toBeInTheDocument();
  const button = screen.getByRole("button", { name: "Run for Contoso" });
  expect(button).toHaveAttribute("aria-disabled", "true");
  await user.click(button);
  expect(router.state.location.pathname).toBe(at);
});

test("without the right to run, the button gives the reason to the keyboard", async () => {
  offers([onboard]);
  const me = someone({ organizations: [{ ...CONTOSO, is_active: true, permissions: { manage_forms: true } }] });
  renderPage(<WorkflowPage />, { at, path, me });
  (await screen.findByRole("button", { name: "Run for Contoso" })).focus();
  expect(await screen.findByRole("tooltip")).toHaveTextContent("You need the right to run workflows");
  expect(screen.queryByText("Recent runs")).not.toBeInTheDocument();
});

test("a name nobody registered leads back to the list", async () => {
  offers([]);
  renderPage(<WorkflowPage />, { at, path });
  expect(await screen.findByText("There is no workflow onboard")).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "See all workflows" })).toHaveAttribute("href", `/o/${CONTOSO.id}/workflows`);
});
