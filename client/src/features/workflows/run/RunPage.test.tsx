import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ALL_RIGHTS, CONTOSO, FABRIKAM, renderPage, someone } from "@/shared/testing/render";
import RunPage from "./RunPage";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const RUN = "0197c1c8-7a4e-7c41-9e0b-000000000001";
const NEXT = "0197c1c8-7a4e-7c41-9e0b-000000000002";
const path = "/o/:org/workflows/:name/run";
const at = `/o/${CONTOSO.id}/workflows/onboard/run`;

const parameter = (name: string, type = "string") => ({ name, type, required: true });

interface Sent {
  url: string;
  headers: Headers;
  body: unknown;
}

/** Plays a server with one workflow, and keeps what is started. */
function serve({
  requiresOrg = true,
  earlier = {},
}: {
  requiresOrg?: boolean;
  earlier?: Record<string, unknown>;
} = {}) {
  const sent: Sent[] = [];
  const accept = async ({ request }: { request: Request }) => {
    sent.push({ url: new URL(request.url).pathname, headers: request.headers, body: await request.json() });
    return HttpResponse.json({ execution_id: NEXT, status: "Pending" }, { status: 202 });
  };
  server.use(
    http.get("*/admin/metadata", () =>
      HttpResponse.json({
        bundle: "new",
        workflows: [
          {
            name: "onboard",
            description: "Onboards",
            category: "",
            requires_org: requiresOrg,
            parameters: [
              parameter("first_name"),
              { ...parameter("note"), required: false },
              parameter("secret", "password"),
            ],
            timeout_seconds: 60,
            exclusive: false,
            file: "onboard.py",
            line: 1,
          },
        ],
        option_generators: [],
        errors: [],
        warnings: [],
      }),
    ),
    http.get(`*/api/executions/${RUN}`, () =>
      HttpResponse.json({
        id: RUN,
        org_id: CONTOSO.id,
        workflow_name: "onboard",
        bundle_hash: "old",
        input: { first_name: "Ada", note: "kept", secret: "***", dropped: 1 },
        ...earlier,
      }),
    ),
    http.post("*/workflows/onboard", accept),
    http.post(`*/api/executions/${RUN}/rerun`, accept),
  );
  return sent;
}

test("a workflow is started once for the organization in the address, and its run is shown", async () => {
  const user = userEvent.setup();
  const sent = serve();
  const { router } = renderPage(<RunPage />, { at: `${at}?first_name=Ada`, path });
  await user.type(await screen.findByLabelText(/Secret/, { selector: "input" }), "hush hush");
  expect(screen.getByLabelText(/First name/)).toHaveValue("Ada");
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  await waitFor(() => expect(router.state.location.pathname).toBe(`/o/${CONTOSO.id}/executions/${NEXT}`));
  expect(sent).toHaveLength(1);
  expect(sent[0]?.url).toBe("/workflows/onboard");
  expect(sent[0]?.body).toEqual({ first_name: "Ada", secret: "hush hush" });
  expect(sent[0]?.headers.get("x-organization-id")).toBe(CONTOSO.id);
  expect(sent[0]?.headers.get("prefer")).toBe("respond-async");
  expect(sent[0]?.headers.get("idempotency-key")).toMatch(/^[0-9a-f]{32}$/);
});

test("a failed look for news keeps what was entered", async () => {
  const user = userEvent.setup();
  serve();
  const { queryClient } = renderPage(<RunPage />, { at: `${at}?from=${RUN}`, path });
  await user.type(await screen.findByLabelText(/Secret/, { selector: "input" }), "hush hush");
  const fail = () => HttpResponse.json({ type: "/problems/internal", title: "Broken", status: 500 }, { status: 500 });
  server.use(http.get("*/admin/metadata", fail), http.get(`*/api/executions/${RUN}`, fail));
  await act(() => queryClient.invalidateQueries({ queryKey: ["orgs"] }));
  expect(queryClient.getQueryState(["orgs", CONTOSO.id, "metadata"])?.status).toBe("error");
  expect(screen.getByLabelText(/Secret/, { selector: "input" })).toHaveValue("hush hush");
});

test("run again fills in the earlier input without passwords, says what changed, and links both runs", async () => {
  const user = userEvent.setup();
  const sent = serve();
  renderPage(<RunPage />, { at: `${at}?from=${RUN}`, path });
  expect(await screen.findByText("Filled with the input of an earlier run")).toBeVisible();
  expect(screen.getByText(/Left blank, because it is not kept: Secret/)).toBeVisible();
  expect(screen.getByText(/have been changed since that run/)).toBeVisible();
  expect(screen.getByText(/No longer asked for: dropped/)).toBeVisible();
  expect(screen.getByLabelText(/First name/)).toHaveValue("Ada");
  expect(screen.getByLabelText(/Secret/, { selector: "input" })).toHaveValue("");
  await user.clear(screen.getByLabelText("Note"));
  await user.type(screen.getByLabelText(/Secret/, { selector: "input" }), "hush hush");
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]?.url).toBe(`/api/executions/${RUN}/rerun`);
  expect(sent[0]?.body).toMatchObject({ first_name: "Ada", note: null, secret: "hush hush" });
});

test("a run of another organization is repeated as a run of its own", async () => {
  const user = userEvent.setup();
  const sent = serve({ earlier: { org_id: FABRIKAM.id } });
  renderPage(<RunPage />, { at: `${at}?from=${RUN}`, path });
  expect(await screen.findByText(/This one will be for Contoso/)).toBeVisible();
  await user.type(screen.getByLabelText(/Secret/, { selector: "input" }), "hush hush");
  await user.click(screen.getByRole("button", { name: "Run for Contoso" }));
  await waitFor(() => expect(sent[0]?.url).toBe("/workflows/onboard"));
});

test("without an organization the page asks for one, unless the workflow needs none", async () => {
  serve();
  const first = renderPage(<RunPage />, { at: "/o/all/workflows/onboard/run", path });
  expect(await screen.findByText("Choose an organization")).toBeVisible();
  first.unmount();
  serve({ requiresOrg: false });
  renderPage(<RunPage />, { at: "/o/all/workflows/onboard/run", path });
  expect(await screen.findByText("This workflow runs without an organization.")).toBeVisible();
});

test("who may not run workflows is told which right is missing, and an unknown workflow leads to the list", async () => {
  serve();
  const rights = { ...ALL_RIGHTS, execute_workflows: false };
  const me = someone({ organizations: [{ ...CONTOSO, is_active: true, permissions: rights }] });
  const first = renderPage(<RunPage />, { at, path, me });
  expect(await screen.findByText("You need the right to run workflows")).toBeVisible();
  first.unmount();
  renderPage(<RunPage />, { at: `/o/${CONTOSO.id}/workflows/gone/run`, path });
  expect(await screen.findByRole("link", { name: "See all workflows" })).toHaveAttribute(
    "href",
    `/o/${CONTOSO.id}/workflows`,
  );
});

test("an emergency stop disables the button with its reason", async () => {
  serve();
  const pause = {
    id: "all",
    reason: "Attack under way",
    paused_by: "99999999-9999-4999-8999-999999999999",
    paused_by_name: "Grace",
    paused_at: "2026-11-25T10:00:00Z",
  };
  renderPage(<RunPage />, { at, path, me: someone({ pauses: [pause] }) });
  expect(await screen.findByRole("button", { name: "Run for Contoso" })).toBeDisabled();
  expect(screen.getByText(/Attack under way/)).toBeVisible();
});
