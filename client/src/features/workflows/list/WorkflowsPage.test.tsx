import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ALL_RIGHTS, CONTOSO, renderPage, someone } from "@/shared/testing/render";
import type { FileError, Workflow } from "@/shared/workflows/metadataQuery";
import WorkflowsPage from "./WorkflowsPage";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const workflow = (name: string, changes: Partial<Workflow> = {}): Workflow => ({
  name,
  description: `Does ${name}`,
  category: "users",
  requires_org: true,
  parameters: [],
  timeout_seconds: 1_800,
  exclusive: false,
  file: `workflows/${name}.py`,
  line: 7,
  ...changes,
});

interface Bundle {
  workflows?: Workflow[];
  errors?: FileError[];
  warnings?: FileError[];
  runs?: { workflow_name: string; status: string; started_at: string }[];
  hasOlderRuns?: boolean;
}

function offers({ workflows = [], errors = [], warnings = [], runs = [], hasOlderRuns = false }: Bundle) {
  server.use(
    http.get("*/admin/metadata", () =>
      HttpResponse.json({ bundle: "b", workflows, option_generators: [], errors, warnings }),
    ),
    http.get("*/api/executions", () => HttpResponse.json({ items: runs, next_cursor: hasOlderRuns ? "older" : null })),
  );
}

const at = `/o/${CONTOSO.id}/workflows`;
const names = () => screen.queryAllByRole("link").map((link) => link.textContent);

test("each workflow shows its newest run, or that it never ran", async () => {
  offers({
    workflows: [workflow("onboard"), workflow("offboard")],
    runs: [
      { workflow_name: "onboard", status: "Failed", started_at: "2026-11-25T10:00:00Z" },
      { workflow_name: "onboard", status: "Success", started_at: "2026-11-24T10:00:00Z" },
    ],
  });
  renderPage(<WorkflowsPage />, { at });
  const row = async (name: string) => within((await screen.findByRole("link", { name })).closest("tr") as HTMLElement);
  expect(await (await row("onboard")).findByText("Failed")).toBeInTheDocument();
  expect((await row("offboard")).getByText("Never run")).toBeInTheDocument();
});

test("a right for some categories shows the workflows of these only", async () => {
  offers({ workflows: [workflow("reset", { category: "helpdesk" }), workflow("offboard", { category: "leaving" })] });
  const permissions = { ...ALL_RIGHTS, manage_forms: false };
  const limited = { ...CONTOSO, is_active: true, permissions, categories: ["helpdesk"] };
  renderPage(<WorkflowsPage />, { at, me: someone({ organizations: [limited] }) });
  expect(await screen.findByRole("link", { name: "reset" })).toBeInTheDocument();
  expect(names()).not.toContain("offboard");
});

test("beyond the runs that were looked at, it does not claim that there was none", async () => {
  offers({
    workflows: [workflow("offboard")],
    runs: [{ workflow_name: "onboard", status: "Success", started_at: "2025-01-02T10:00:00Z" }],
    hasOlderRuns: true,
  });
  renderPage(<WorkflowsPage />, { at });
  expect(await screen.findByText(/Before/)).toHaveTextContent("Before Jan 2, 2025");
});

test("search and category narrow the list down", async () => {
  const user = userEvent.setup();
  offers({
    workflows: [
      workflow("onboard"),
      workflow("rotate_key", { category: "security", description: "Replaces the API key" }),
      workflow("offboard"),
    ],
  });
  const { router } = renderPage(<WorkflowsPage />, { at });
  await screen.findByRole("link", { name: "onboard" });
  await user.type(screen.getByRole("searchbox"), "api KEY{Enter}");
  await waitFor(() => expect(names()).toEqual(["rotate_key"]));
  await user.click(screen.getByRole("button", { name: "Clear filters" }));
  await user.click(screen.getByRole("button", { name: "Category" }));
  await user.click(await screen.findByRole("option", { name: "users" }));
  expect(names()).toEqual(["onboard", "offboard"]);
  expect(router.state.location.search).toBe("?category=users");
});

test("files that could not be loaded are named with line and reason, and so are warnings", async () => {
  offers({
    errors: [{ file: "workflows/bad.py", line: 3, message: "the module `x` is not installed" }],
    warnings: [{ file: "workflows/odd.py", message: "no generator `get_y`" }],
  });
  renderPage(<WorkflowsPage />, { at });
  const broken = await screen.findByRole("region", { name: "1 file could not be loaded" });
  expect(within(broken).getByRole("listitem")).toHaveTextContent(
    "workflows/bad.py, line 3: the module `x` is not installed",
  );
  expect(within(screen.getByRole("region", { name: "1 warning" })).getByRole("listitem")).toHaveTextContent(
    "workflows/odd.py: no generator `get_y`",
  );
  expect(screen.getByText("There are no workflows yet")).toBeInTheDocument();
});

test("running names the organization, and while paused says why not", async () => {
  const user = userEvent.setup();
  offers({ workflows: [workflow("onboard"), workflow("offboard")] });
  const pause = {
    id: "workflow:offboard",
    workflow: "offboard",
    reason: "Wrong mailboxes",
    paused_by: "platform",
    paused_by_name: "Grace",
    paused_at: "2026-11-25T10:00:00Z",
  };
  renderPage(<WorkflowsPage />, { at, me: someone({ pauses: [pause] }) });
  await user.click(await screen.findByRole("button", { name: "Actions for onboard" }));
  expect(await screen.findByRole("menuitem", { name: "Run for Contoso" })).toHaveAttribute("href", `${at}/onboard/run`);
  await user.keyboard("{Escape}");
  await user.click(screen.getByRole("button", { name: "Actions for offboard" }));
  expect(await screen.findByRole("menuitem", { name: /Run for Contoso.*Paused by Grace: Wrong/ })).toBeDisabled();
});

test("without the right to run workflows or manage forms the page is denied", () => {
  const me = someone({ organizations: [{ ...CONTOSO, is_active: true, permissions: { view_history: true } }] });
  renderPage(<WorkflowsPage />, { at, me });
  expect(screen.getByText("You need the right to run workflows")).toBeInTheDocument();
});
