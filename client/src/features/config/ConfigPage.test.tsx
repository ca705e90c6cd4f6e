import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ALL_RIGHTS, CONTOSO, renderPage, someone } from "@/shared/testing/render";
import ConfigPage from "./ConfigPage";
import type { ConfigEntry } from "./configApi";
import type { SecretName } from "./secretsApi";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const entry = (key: string, changes: Partial<ConfigEntry> = {}): ConfigEntry => ({
  key,
  type: "string",
  value: `value of ${key}`,
  description: null,
  origin: "organization",
  updated_at: "2026-11-25T10:00:00Z",
  updated_by: "platform",
  ...changes,
});

const ofContoso = `*/api/organizations/${CONTOSO.id}`;
const at = `/o/${CONTOSO.id}/config`;
const admin = someone({ is_administrator: true });

/** A server that holds these values, and keeps what is sent to it. */
function holds(entries: ConfigEntry[], secrets: SecretName[] = []) {
  const sent: { method: string; path: string; body: unknown; ifMatch: string | null }[] = [];
  const keep = async (request: Request) => {
    const text = await request.text();
    sent.push({
      method: request.method,
      path: new URL(request.url).pathname.replace("/api/", "").replace(CONTOSO.id, "contoso"),
      body: text === "" ? undefined : JSON.parse(text),
      ifMatch: request.headers.get("If-Match"),
    });
  };
  const list = () => HttpResponse.json({ items: entries, next_cursor: null });
  server.use(
    http.get(`${ofContoso}/config`, list),
    http.get("*/api/global/config", list),
    http.get(`${ofContoso}/config/:key`, ({ params }) => {
      const found = entries.find(({ key }) => key === params.key);
      return HttpResponse.json(found, { headers: found?.origin === "organization" ? { ETag: '"v1"' } : {} });
    }),
    http.put(`${ofContoso}/config/:key`, async ({ request, params }) => {
      await keep(request);
      return HttpResponse.json(entry(String(params.key)));
    }),
    http.put("*/api/global/config/:key", async ({ request, params }) => {
      await keep(request);
      return HttpResponse.json(entry(String(params.key), { origin: "global" }));
    }),
    http.delete(`${ofContoso}/config/:key`, async ({ request }) => {
      await keep(request);
      return new HttpResponse(null, { status: 204 });
    }),
    http.get(`${ofContoso}/secrets`, () => HttpResponse.json({ items: secrets, next_cursor: null })),
    http.get("*/api/global/secrets", () => HttpResponse.json({ items: secrets, next_cursor: null })),
    http.put(`${ofContoso}/secrets/:name`, async ({ request }) => {
      await keep(request);
      return new HttpResponse(null, { status: 204 });
    }),
    http.delete(`${ofContoso}/secrets/:name`, async ({ request }) => {
      await keep(request);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  return sent;
}

const dialog = async (name: string) => within(await screen.findByRole("dialog", { name }));

test("values show where they come from, and references whether they lead to a secret", async () => {
  holds(
    [
      entry("office"),
      entry("region", { origin: "global" }),
      entry("good_key", { type: "secret_ref", value: "vendor_key" }),
      entry("bad_key", { type: "secret_ref", value: "gone" }),
    ],
    [{ name: "vendor_key", origin: "organization" }],
  );
  renderPage(<ConfigPage />, { at });
  const row = async (name: string) => within((await screen.findByRole("link", { name })).closest("tr") as HTMLElement);
  expect((await row("office")).getByText("Contoso")).toBeInTheDocument();
  expect((await row("region")).getByText("Global")).toBeInTheDocument();
  expect(await (await row("good_key")).findByText("Resolves")).toBeInTheDocument();
  expect((await row("bad_key")).getByText("No such secret")).toBeInTheDocument();
});

test("a new value is checked, then sent, and its button names the organization", async () => {
  const user = userEvent.setup();
  const sent = holds([entry("office")]);
  const { router } = renderPage(<ConfigPage />, { at });
  await user.click(await screen.findByRole("button", { name: "New value for Contoso" }));
  const form = await dialog("New value for Contoso");
  await user.type(form.getByRole("textbox", { name: "Key" }), "seats");
  await user.selectOptions(form.getByRole("combobox", { name: "Type" }), "Whole number");
  await user.type(form.getByRole("textbox", { name: "Value" }), "many");
  await user.click(form.getByRole("button", { name: "Save for Contoso" }));
  expect(form.getByRole("textbox", { name: "Value" })).toHaveAccessibleDescription("Enter a whole number, such as 25");
  expect(sent).toEqual([]);
  await user.clear(form.getByRole("textbox", { name: "Value" }));
  await user.type(form.getByRole("textbox", { name: "Value" }), "25");
  await user.click(form.getByRole("button", { name: "Save for Contoso" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  expect(sent).toEqual([
    {
      method: "PUT",
      path: "organizations/contoso/config/seats",
      body: { type: "int", value: "25", description: null },
      ifMatch: null,
    },
  ]);
  expect(router.state.location.search).toBe("");
});

test("an edited value is meant for the version that was read", async () => {
  const user = userEvent.setup();
  const sent = holds([entry("office")]);
  renderPage(<ConfigPage />, { at: `${at}?edit=office` });
  const form = await dialog("office for Contoso");
  const value = await form.findByRole("textbox", { name: "Value" });
  await user.clear(value);
  await user.type(value, "Berlin");
  await user.click(form.getByRole("button", { name: "Save for Contoso" }));
  await waitFor(() => expect(sent[0]).toMatchObject({ ifMatch: '"v1"', body: { value: "Berlin" } }));
});

test("what is being typed and its version outlast a look for news", async () => {
  const user = userEvent.setup();
  const sent = holds([entry("office")]);
  const { queryClient } = renderPage(<ConfigPage />, { at: `${at}?edit=office` });
  const form = await dialog("office for Contoso");
  await user.type(await form.findByRole("textbox", { name: "Value" }), "!");
  server.use(
    http.get(`${ofContoso}/config/office`, () =>
      HttpResponse.json(entry("office", { value: "Paris" }), { headers: { ETag: '"v2"' } }),
    ),
  );
  await act(() => queryClient.invalidateQueries({ queryKey: ["orgs"] }));
  expect(form.getByRole("textbox", { name: "Value" })).toHaveValue("value of office!");
  await user.click(form.getByRole("button", { name: "Save for Contoso" }));
  await waitFor(() => expect(sent[0]).toMatchObject({ ifMatch: '"v1"', body: { value: "value of office!" } }));
});

test("a value that changed meanwhile is shown, and saving over it is a choice", async () => {
  const user = userEvent.setup();
  holds([entry("office")]);
  const versions: (string | null)[] = [];
  renderPage(<ConfigPage />, { at: `${at}?edit=office` });
  const form = await dialog("office for Contoso");
  await form.findByRole("textbox", { name: "Value" });
  server.use(
    http.get(`${ofContoso}/config/office`, () =>
      HttpResponse.json(entry("office", { value: "Paris" }), { headers: { ETag: '"v2"' } }),
    ),
    http.put(`${ofContoso}/config/office`, ({ request }) => {
      versions.push(request.headers.get("If-Match"));
      return versions.length === 1
        ? HttpResponse.json(
            { type: "/problems/stale-version", title: "It has changed since you read it", status: 412 },
            { status: 412 },
          )
        : HttpResponse.json(entry("office"));
    }),
  );
  await user.click(form.getByRole("button", { name: "Save for Contoso" }));
  const alert = within(await form.findByRole("alert"));
  expect(await alert.findByText("Paris")).toBeInTheDocument();
  await user.click(alert.getByRole("button", { name: "Save mine anyway" }));
  await waitFor(() => expect(versions).toEqual(['"v1"', '"v2"']));
});

test("of a value that changed meanwhile, theirs can be taken", async () => {
  const user = userEvent.setup();
  holds([entry("office")]);
  renderPage(<ConfigPage />, { at: `${at}?edit=office` });
  const form = await dialog("office for Contoso");
  await form.findByRole("textbox", { name: "Value" });
  server.use(
    http.get(`${ofContoso}/config/office`, () =>
      HttpResponse.json(entry("office", { value: "Paris" }), { headers: { ETag: '"v2"' } }),
    ),
    http.put(`${ofContoso}/config/office`, () =>
      HttpResponse.json({ type: "/problems/stale-version", title: "It has changed", status: 412 }, { status: 412 }),
    ),
  );
  await user.click(form.getByRole("button", { name: "Save for Contoso" }));
  const alert = within(await form.findByRole("alert"));
  await user.click(alert.getByRole("button", { name: "Take what is there now" }));
  await waitFor(() => expect(form.getByRole("textbox", { name: "Value" })).toHaveValue("Paris"));
  expect(form.queryByRole("alert")).not.toBeInTheDocument();
});

test("what the server finds wrong lands on its field, and entries are kept", async () => {
  const user = userEvent.setup();
  holds([entry("office")]);
  server.use(
    http.put(`${ofContoso}/config/office`, () =>
      HttpResponse.json(
        {
          type: "/problems/body-invalid",
          title: "The body is not valid",
          status: 422,
          errors: [{ pointer: "#/value", detail: "is too long" }],
        },
        { status: 422 },
      ),
    ),
  );
  renderPage(<ConfigPage />, { at: `${at}?edit=office` });
  const form = await dialog("office for Contoso");
  const value = await form.findByRole("textbox", { name: "Value" });
  await user.type(value, "!");
  await user.click(form.getByRole("button", { name: "Save for Contoso" }));
  await waitFor(() => expect(value).toHaveAccessibleDescription("is too long"));
  expect(value).toHaveValue("value of office!");
});

test("an inherited value is overridden for the organization, not changed for all", async () => {
  const user = userEvent.setup();
  const sent = holds([entry("region", { origin: "global" })]);
  renderPage(<ConfigPage />, { at });
  await user.click(await screen.findByRole("button", { name: "Actions for region" }));
  expect(screen.queryByRole("menuitem", { name: "Edit the global value" })).not.toBeInTheDocument();
  expect(screen.queryByRole("menuitem", { name: "Delete" })).not.toBeInTheDocument();
  await user.click(await screen.findByRole("menuitem", { name: "Override for Contoso" }));
  const form = await dialog("Override region for Contoso");
  await form.findByRole("textbox", { name: "Value" });
  await user.click(form.getByRole("button", { name: "Save for Contoso" }));
  await waitFor(() => expect(sent[0]).toMatchObject({ path: "organizations/contoso/config/region", ifMatch: null }));
});

test("deleting asks first and names the organization", async () => {
  const user = userEvent.setup();
  const sent = holds([entry("office")]);
  renderPage(<ConfigPage />, { at });
  await user.click(await screen.findByRole("button", { name: "Actions for office" }));
  await user.click(await screen.findByRole("menuitem", { name: "Delete" }));
  const question = await dialog("Delete office for Contoso?");
  await user.click(question.getByRole("button", { name: "Cancel" }));
  expect(sent).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Actions for office" }));
  await user.click(await screen.findByRole("menuitem", { name: "Delete" }));
  await user.click((await dialog("Delete office for Contoso?")).getByRole("button", { name: "Delete for Contoso" }));
  await waitFor(() => expect(sent[0]).toMatchObject({ method: "DELETE", path: "organizations/contoso/config/office" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
});

test("administrators reach the global values, and save them for all organizations", async () => {
  const user = userEvent.setup();
  const sent = holds([entry("region", { origin: "global" })]);
  const { router } = renderPage(<ConfigPage />, { at, me: admin });
  await user.click(await screen.findByRole("radio", { name: "Global" }));
  expect(router.state.location.search).toBe("?scope=global");
  await user.click(await screen.findByRole("button", { name: "New value for all organizations" }));
  const form = await dialog("New value for all organizations");
  await user.type(form.getByRole("textbox", { name: "Key" }), "zone");
  await user.type(form.getByRole("textbox", { name: "Value" }), "eu");
  await user.click(form.getByRole("button", { name: "Save for all organizations" }));
  await waitFor(() => expect(sent[0]?.path).toBe("global/config/zone"));
});

test("over all organizations, others choose one and administrators see the global values", async () => {
  holds([entry("region", { origin: "global" })]);
  const others = renderPage(<ConfigPage />, { at: "/o/all/config" });
  expect(screen.getByText("Choose an organization")).toBeInTheDocument();
  others.unmount();
  renderPage(<ConfigPage />, { at: "/o/all/config", me: admin });
  expect(await screen.findByRole("link", { name: "region" })).toBeInTheDocument();
});

test("a secret goes in and is never shown, and a short one is refused", async () => {
  const user = userEvent.setup();
  const sent = holds([], [{ name: "vendor_key", origin: "organization" }]);
  renderPage(<ConfigPage />, { at: `${at}?tab=secrets` });
  await user.click(await screen.findByRole("link", { name: "vendor_key" }));
  const form = await dialog("Replace vendor_key for Contoso");
  const value = form.getByLabelText(/^Value/);
  expect(value).toHaveValue("");
  expect(value).toHaveAttribute("type", "password");
  await user.type(value, "short");
  await user.click(form.getByRole("button", { name: "Store for Contoso" }));
  expect(form.getByText("Enter at least 8 characters")).toBeInTheDocument();
  expect(sent).toEqual([]);
  await user.type(value, " no more");
  await user.click(form.getByRole("button", { name: "Store for Contoso" }));
  await waitFor(() =>
    expect(sent[0]).toMatchObject({
      path: "organizations/contoso/secrets/vendor_key",
      body: { value: "short no more" },
    }),
  );
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  expect(document.body).not.toHaveTextContent("short no more");
});

test("deleting a secret says which config refers to it", async () => {
  const user = userEvent.setup();
  const sent = holds(
    [entry("key_of_vendor", { type: "secret_ref", value: "vendor_key" })],
    [{ name: "vendor_key", origin: "organization" }],
  );
  renderPage(<ConfigPage />, { at: `${at}?tab=secrets` });
  await screen.findByText("key_of_vendor");
  await user.click(screen.getByRole("button", { name: "Actions for vendor_key" }));
  await user.click(await screen.findByRole("menuitem", { name: "Delete" }));
  const question = await dialog("Delete the secret vendor_key for Contoso?");
  expect(question.getByText("Config still refers to it: key_of_vendor.")).toBeInTheDocument();
  await user.click(question.getByRole("button", { name: "Delete for Contoso" }));
  await waitFor(() => expect(sent[0]?.method).toBe("DELETE"));
});

test("without the right to manage config the page is denied and asks nothing", () => {
  const permissions = { ...ALL_RIGHTS, manage_config: false };
  renderPage(<ConfigPage />, { at, me: someone({ organizations: [{ ...CONTOSO, is_active: true, permissions }] }) });
  expect(screen.getByText("You need the right to manage config")).toBeInTheDocument();
});
