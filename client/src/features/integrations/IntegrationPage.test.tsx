import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ALL_RIGHTS, CONTOSO, renderPage, someone } from "@/shared/testing/render";
import IntegrationPage from "./IntegrationPage";
import IntegrationsPage from "./IntegrationsPage";
import type { Integration } from "./integrationsApi";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const halo = {
  type: "halopsa",
  title: "HaloPSA",
  description: "Notes on tickets.",
  settings_schema: {
    type: "object",
    properties: {
      base_url: { type: "string", title: "Address" },
      client_secret: { type: "string", title: "Client secret", writeOnly: true, minLength: 8 },
    },
    required: ["base_url"],
  },
};
const stored: Integration = {
  type: "halopsa",
  enabled: true,
  settings: { base_url: "https://acme.halopsa.com" },
  has_credential: true,
  updated_at: "2026-11-25T10:00:00Z",
  updated_by: "platform",
  last_check: null,
};

const ofContoso = `*/api/organizations/${CONTOSO.id}/integrations`;
const path = "/o/:org/integrations/:type";
const at = `/o/${CONTOSO.id}/integrations/halopsa`;

/** A server with this integration, that keeps what is sent to it. */
function holds(integration: Integration | undefined) {
  const sent: { method: string; body: unknown; ifMatch: string | null }[] = [];
  server.use(
    http.get("*/api/integration-types", () => HttpResponse.json({ items: [halo], next_cursor: null })),
    http.get(ofContoso, () => HttpResponse.json({ items: integration ? [integration] : [], next_cursor: null })),
    http.get(`${ofContoso}/halopsa`, () =>
      integration
        ? HttpResponse.json(integration, { headers: { ETag: '"v1"' } })
        : HttpResponse.json({ type: "/problems/not-found", title: "Not found", status: 404 }, { status: 404 }),
    ),
    http.put(`${ofContoso}/halopsa`, async ({ request }) => {
      sent.push({ method: "PUT", body: await request.json(), ifMatch: request.headers.get("If-Match") });
      return HttpResponse.json(stored, { headers: { ETag: '"v2"' } });
    }),
    http.delete(`${ofContoso}/halopsa`, () => {
      sent.push({ method: "DELETE", body: undefined, ifMatch: null });
      return new HttpResponse(null, { status: 204 });
    }),
  );
  return sent;
}

test("the list says what is on, off, not set up, and what the last check found", async () => {
  const check = {
    ok: false,
    message: "Check `tenant`",
    checked_at: "2026-11-25T10:00:00Z",
    checked_by: "platform",
    duration_ms: 36,
  };
  holds({ ...stored, last_check: check });
  renderPage(<IntegrationsPage />, { at: `/o/${CONTOSO.id}/integrations` });
  expect(await screen.findByRole("link", { name: "HaloPSA" })).toHaveAttribute("href", at);
  expect(screen.getByRole("cell", { name: "On" })).toBeInTheDocument();
  expect(screen.getByText("Does not work")).toHaveAttribute("title", "Check `tenant`");
});

test("a test shows exactly what the service refused", async () => {
  const user = userEvent.setup();
  holds(stored);
  server.use(
    http.post(`${ofContoso}/halopsa/test`, () =>
      HttpResponse.json({
        ok: false,
        error_type: "credential_rejected",
        message: "HaloPSA gave no token: check `client_secret`.",
        service_status: 401,
        checked_at: new Date().toISOString(),
        checked_by: "platform",
        duration_ms: 36,
      }),
    ),
  );
  renderPage(<IntegrationPage />, { at, path });
  await user.click(await screen.findByRole("button", { name: "Test connection" }));
  const section = within(screen.getByRole("region", { name: "Connection" }));
  expect(await section.findByText("HaloPSA gave no token: check `client_secret`.")).toBeInTheDocument();
  expect(section.getByText(/HTTP 401 from the service · credential_rejected/)).toBeInTheDocument();
});

test("settings are sent for the version that was read, and an untouched credential is not", async () => {
  const user = userEvent.setup();
  const sent = holds(stored);
  renderPage(<IntegrationPage />, { at, path });
  const address = await screen.findByRole("textbox", { name: "Address" });
  expect(screen.getByLabelText("Client secret")).toHaveAccessibleDescription(
    "One is stored. Leave it empty to keep it.",
  );
  await user.clear(address);
  await user.type(address, "https://b.halopsa.com");
  expect(screen.getByLabelText("Client secret")).toHaveAccessibleDescription(/clears the stored credential/);
  expect(screen.getByRole("button", { name: "Test connection" })).toHaveAttribute("aria-disabled", "true");
  await user.click(screen.getByRole("button", { name: "Save for Contoso" }));
  await waitFor(() =>
    expect(sent).toEqual([
      { method: "PUT", body: { enabled: true, settings: { base_url: "https://b.halopsa.com" } }, ifMatch: '"v1"' },
    ]),
  );
});

test("the server's faults land on their settings", async () => {
  const user = userEvent.setup();
  holds(stored);
  server.use(
    http.put(`${ofContoso}/halopsa`, () =>
      HttpResponse.json(
        {
          type: "/problems/body-invalid",
          title: "The body is not valid",
          status: 422,
          errors: [{ pointer: "#/settings/base_url", detail: "must use https" }],
        },
        { status: 422 },
      ),
    ),
  );
  renderPage(<IntegrationPage />, { at, path });
  await user.type(await screen.findByRole("textbox", { name: "Address" }), "x");
  await user.click(screen.getByRole("button", { name: "Save for Contoso" }));
  await waitFor(() =>
    expect(screen.getByRole("textbox", { name: "Address" })).toHaveAccessibleDescription("must use https"),
  );
  expect(screen.getByRole("textbox", { name: "Address" })).toHaveValue("https://acme.halopsa.comx");
});

test("turning off asks first, and keeps the settings", async () => {
  const user = userEvent.setup();
  const sent = holds(stored);
  renderPage(<IntegrationPage />, { at, path });
  await user.click(await screen.findByRole("button", { name: "Turn off for Contoso" }));
  const question = within(await screen.findByRole("dialog", { name: "Turn off HaloPSA for Contoso?" }));
  expect(sent).toEqual([]);
  await user.click(question.getByRole("button", { name: "Turn off for Contoso" }));
  await waitFor(() =>
    expect(sent).toEqual([{ method: "PUT", body: { enabled: false, settings: stored.settings }, ifMatch: '"v1"' }]),
  );
});

test("deleting asks first, and goes back to the list", async () => {
  const user = userEvent.setup();
  const sent = holds(stored);
  const { router } = renderPage(<IntegrationPage />, { at, path });
  await user.click(await screen.findByRole("button", { name: "Delete for Contoso" }));
  const question = within(await screen.findByRole("dialog", { name: "Delete HaloPSA for Contoso?" }));
  await user.click(question.getByRole("button", { name: "Delete for Contoso" }));
  await waitFor(() => expect(router.state.location.pathname).toBe(`/o/${CONTOSO.id}/integrations`));
  expect(sent.map(({ method }) => method)).toEqual(["DELETE"]);
});

test("one that is not set up says so and is set up for the organization", async () => {
  const user = userEvent.setup();
  const sent = holds(undefined);
  renderPage(<IntegrationPage />, { at, path });
  expect(await screen.findByText("Not set up")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Test connection" })).not.toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Set up for Contoso" }));
  expect(screen.getByRole("textbox", { name: "Address" })).toHaveAccessibleDescription("Enter Address");
  await user.type(screen.getByRole("textbox", { name: "Address" }), "acme.halopsa.com");
  await user.type(screen.getByLabelText("Client secret"), "long enough");
  await user.click(screen.getByRole("button", { name: "Set up for Contoso" }));
  await waitFor(() =>
    expect(sent[0]).toMatchObject({
      body: { enabled: true, settings: { base_url: "acme.halopsa.com", client_secret: "long enough" } },
      ifMatch: null,
    }),
  );
});

test("without the right, and over all organizations, nothing is asked", () => {
  const permissions = { ...ALL_RIGHTS, manage_config: false };
  const me = someone({ organizations: [{ ...CONTOSO, is_active: true, permissions }] });
  const denied = renderPage(<IntegrationPage />, { at, path, me });
  expect(screen.getByText("You need the right to manage config")).toBeInTheDocument();
  denied.unmount();
  renderPage(<IntegrationsPage />, { at: "/o/all/integrations" });
  expect(screen.getByText("Choose an organization")).toBeInTheDocument();
});
