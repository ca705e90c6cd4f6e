import { screen } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ALL_RIGHTS, CONTOSO, renderPage, someone } from "@/shared/testing/render";
import { Workflows } from "./Workflows";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
beforeEach(() => {
  const onboard = {
    name: "onboard",
    description: "Onboards",
    category: "",
    requires_org: true,
    parameters: [],
    timeout_seconds: 60,
    exclusive: false,
    file: "onboard.py",
    line: 1,
  };
  server.use(
    http.get("*/admin/metadata", () =>
      HttpResponse.json({ bundle: "b", workflows: [onboard], option_generators: [], errors: [], warnings: [] }),
    ),
    http.get("*/api/executions", () => HttpResponse.json({ items: [], next_cursor: null })),
  );
});
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const name = "Run onboard for Contoso";

test("a workflow is run from the start page", async () => {
  renderPage(<Workflows />);
  expect(await screen.findByRole("link", { name })).toHaveAttribute("href", `/o/${CONTOSO.id}/workflows/onboard/run`);
});

test("what holds runs back holds the button back", async () => {
  const pause = {
    id: "all",
    reason: "Attack under way",
    paused_by: "99999999-9999-4999-8999-999999999999",
    paused_by_name: "Grace",
    paused_at: "2026-11-25T10:00:00Z",
  };
  const paused = renderPage(<Workflows />, { me: someone({ pauses: [pause] }) });
  expect(await screen.findByRole("button", { name })).toHaveAttribute("aria-disabled", "true");
  paused.unmount();
  renderPage(<Workflows />, {
    me: someone({ organizations: [{ ...CONTOSO, is_active: false, permissions: ALL_RIGHTS }] }),
  });
  expect(await screen.findByRole("button", { name })).toHaveAttribute("aria-disabled", "true");
});
