import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { ALL_RIGHTS, CONTOSO, FABRIKAM, renderPage, someone } from "@/shared/testing/render";
import ExecutionsPage from "./ExecutionsPage";
import type { Run } from "./runsQuery";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  server.resetHandlers();
  vi.useRealTimers();
});
afterAll(() => server.close());

const run = (digit: number, changes: Partial<Run> = {}): Run => ({
  id: `0197c1c8-7a4e-7c41-9e0b-00000000e27${digit}`,
  org_id: CONTOSO.id,
  workflow_name: `workflow_${digit}`,
  executed_by: "77777777-7777-4777-8777-777777777777",
  executed_by_name: "Grace",
  trigger: "api",
  status: "Success",
  started_at: `2026-11-25T10:0${digit}:00Z`,
  duration_ms: 1_500,
  ...changes,
});

/** Answers lists and keeps the questions. */
function lists(...pages: { items: Run[]; next_cursor?: string | null; searched_to?: string | null }[]) {
  const asked: URL[] = [];
  const organizations: (string | null)[] = [];
  server.use(
    http.get("*/admin/metadata", () =>
      HttpResponse.json({ bundle: "b", workflows: [], option_generators: [], errors: [], warnings: [] }),
    ),
    http.get("*/api/executions", ({ request }) => {
      asked.push(new URL(request.url));
      organizations.push(request.headers.get("X-Organization-Id"));
      return HttpResponse.json(pages[Math.min(asked.length, pages.length) - 1]);
    }),
  );
  return { asked, organizations };
}

const at = `/o/${CONTOSO.id}/executions`;

test("filters of the URL are asked of the server, days as instants", async () => {
  const { asked, organizations } = lists({ items: [run(1)] });
  renderPage(<ExecutionsPage />, {
    at: `${at}?status=Failed&workflow=onboard&q=ada&from=2026-11-01&to=2026-11-02&cursor=c&size=25`,
  });
  await screen.findByRole("link", { name: "workflow_1" });
  expect(Object.fromEntries(asked[0]?.searchParams ?? [])).toEqual({
    status: "Failed",
    workflow: "onboard",
    q: "ada",
    from: "2026-11-01T00:00:00.000Z",
    to: "2026-11-03T00:00:00.000Z",
    cursor: "c",
    limit: "25",
  });
  expect(organizations[0]).toBe(CONTOSO.id);
});

test("a filter that found nothing yet says how far back it looked and goes on from there", async () => {
  const user = userEvent.setup();
  const { asked } = lists(
    { items: [], next_cursor: "older", searched_to: "2025-03-01T10:00:00Z" },
    { items: [run(1)], next_cursor: null, searched_to: null },
  );
  renderPage(<ExecutionsPage />, { at: `${at}?q=ada&status=Failed,TimedOut` });
  expect(await screen.findByText("Nothing found so far")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Status: Failed, Timed out" })).toBeInTheDocument();
  expect(screen.getAllByText(/Looked back to/)[0]).toHaveTextContent("Mar 1, 2025");
  await user.click(screen.getByRole("button", { name: "Look further back" }));
  expect(await screen.findByRole("link", { name: "workflow_1" })).toBeInTheDocument();
  expect(asked.at(-1)?.searchParams.get("cursor")).toBe("older");
  expect(screen.queryByText(/Looked back to/)).not.toBeInTheDocument();
});

test("over all organizations each run names its own, and leads there", async () => {
  const { organizations } = lists({
    items: [run(1), run(2, { org_id: FABRIKAM.id }), run(3, { org_id: null })],
  });
  renderPage(<ExecutionsPage />, { at: "/o/all/executions" });
  expect(await screen.findByRole("link", { name: "workflow_2" })).toHaveAttribute(
    "href",
    `/o/${FABRIKAM.id}/executions/${run(2).id}`,
  );
  expect(screen.getByRole("cell", { name: "Fabrikam" })).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "workflow_3" })).toHaveAttribute("href", `/o/all/executions/${run(3).id}`);
  expect(organizations[0]).toBeNull();
});

test("new runs wait behind a button while the rows on show stay where they are", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
  lists({ items: [run(1, { status: "Running" })] }, { items: [run(3), run(2), run(1)] });
  renderPage(<ExecutionsPage />, { at });
  await screen.findByRole("cell", { name: "Running" });
  await vi.advanceTimersByTimeAsync(10_000);
  const button = await screen.findByRole("button", { name: "2 new runs" });
  expect(screen.getAllByRole("link", { name: /workflow_/ }).map((link) => link.textContent)).toEqual(["workflow_1"]);
  expect(screen.getByRole("cell", { name: "Success" })).toBeInTheDocument();
  await user.click(button);
  expect(screen.getAllByRole("link", { name: /workflow_/ }).map((link) => link.textContent)).toEqual([
    "workflow_3",
    "workflow_2",
    "workflow_1",
  ]);
});

test("a run is run again, filtered by and copied from its menu", async () => {
  const user = userEvent.setup();
  const { asked } = lists({ items: [run(1)] });
  const { router } = renderPage(<ExecutionsPage />, { at });
  await user.click(await screen.findByRole("button", { name: "Actions for run e271" }));
  expect(await screen.findByRole("menuitem", { name: "Run again" })).toHaveAttribute(
    "href",
    `/o/${CONTOSO.id}/workflows/workflow_1/run?from=${run(1).id}`,
  );
  await user.click(screen.getByRole("menuitem", { name: "Copy id" }));
  expect(await navigator.clipboard.readText()).toBe(run(1).id);
  await user.click(screen.getByRole("button", { name: "Actions for run e271" }));
  await user.click(await screen.findByRole("menuitem", { name: "Only runs started by Grace" }));
  await waitFor(() => expect(asked.at(-1)?.searchParams.get("user")).toBe(run(1).executed_by));
  expect(router.state.location.search).toBe(`?user=${run(1).executed_by}`);
});

test("without the right to view history the page says that only own runs are listed", async () => {
  lists({ items: [] });
  const me = someone({
    organizations: [{ ...CONTOSO, is_active: true, permissions: { ...ALL_RIGHTS, view_history: false } }],
  });
  renderPage(<ExecutionsPage />, { at, me });
  expect(screen.getByText(/You see the runs you started/)).toBeInTheDocument();
  expect(await screen.findByText("You have not run anything yet")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Older" })).not.toBeInTheDocument();
});

test("without any right to runs the page names the one that is missing and asks nothing", () => {
  const me = someone({ organizations: [{ ...CONTOSO, is_active: true, permissions: { manage_config: true } }] });
  renderPage(<ExecutionsPage />, { at, me });
  expect(screen.getByText("You need the right to view everybody's runs")).toBeInTheDocument();
});

test("rows of another organization never stay on show", async () => {
  const { organizations } = lists({ items: [run(1)] });
  const { router } = renderPage(<ExecutionsPage />, { at });
  await screen.findByRole("link", { name: "workflow_1" });
  server.use(http.get("*/api/executions", () => new Promise(() => undefined)));
  await router.navigate(`/o/${FABRIKAM.id}/executions`);
  await waitFor(() => expect(screen.queryByRole("link", { name: "workflow_1" })).not.toBeInTheDocument());
  expect(organizations).toEqual([CONTOSO.id]);
});
