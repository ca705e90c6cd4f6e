import type { QueryClient } from "@tanstack/react-query";
import { act, render, renderHook, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { createMemoryRouter, RouterProvider } from "react-router";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { makeQueryClient } from "@/shared/api/queryClient";
import type { Me } from "@/shared/me/me";
import { CONTOSO, FABRIKAM, someone } from "@/shared/testing/render";
import { useUnsavedInput } from "@/shared/unsaved/unsavedInput";
import { Providers } from "./Providers";
import { routes } from "./routes";
import { sendToSignIn } from "./session";

const server = setupServer();
const NONE = { organizations: [], workflows: [], forms: [] };
const NEW_SETTINGS = { favourites: NONE, recent: NONE, theme: "system", shortcuts: true, time_zone: null, tables: {} };
let me: Me;
let running: object[];

beforeAll(() => server.listen({ onUnhandledRequest: "bypass" }));
beforeEach(() => {
  me = someone();
  running = [];
  server.use(
    http.get("*/api/me", () => HttpResponse.json(me)),
    http.get("*/config.json", () =>
      HttpResponse.json({ mode: "session", sign_in: "local", url: "http://localhost:3000/", version: "1", build: "b" }),
    ),
    http.get("*/api/executions", ({ request }) => {
      const wanted = new URL(request.url).searchParams.get("status");
      return HttpResponse.json({ items: wanted === "Running" ? running : [], next_cursor: null, searched_to: null });
    }),
    http.get("*/admin/metadata", () =>
      HttpResponse.json({ bundle: "b", workflows: [], option_generators: [], errors: [], warnings: [] }),
    ),
    http.get("*/api/me/settings", () => HttpResponse.json(NEW_SETTINGS)),
    http.put("*/api/me/settings", async ({ request }) => HttpResponse.json(await request.json())),
    http.get("http://localhost:3000/", () => HttpResponse.html("")),
  );
});
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

function start(at: string) {
  const router = createMemoryRouter(routes, { initialEntries: [at] });
  const queryClient: QueryClient = makeQueryClient(() => sendToSignIn(router));
  render(
    <Providers queryClient={queryClient}>
      <RouterProvider router={router} />
    </Providers>,
  );
  return { router, queryClient };
}

const heading = (name: string) => screen.findByRole("heading", { level: 1, name });

test("a first visit asks which organization, the next one leads to the home of the last", async () => {
  start("/");
  await heading("Welcome");
  await userEvent.click(screen.getByRole("combobox", { name: "Organization" }));
  await userEvent.click(await screen.findByRole("option", { name: "Fabrikam", hidden: true }));
  await heading("Fabrikam");
  await waitFor(() => expect(document.title).toBe("Home - Fabrikam - MSP Automation"));
});

test("after navigation the focus is on the heading", async () => {
  const { router } = start(`/o/${CONTOSO.id}/home`);
  await heading("Contoso");
  await act(() => router.navigate("/account"));
  await waitFor(async () => expect(await heading("Account")).toHaveFocus());
});

test("an organization one may not see is no page, and another one can be chosen", async () => {
  start("/o/33333333-3333-4333-8333-333333333333/home");
  await heading("This organization is not available to you");
  expect(screen.getByRole("combobox", { name: "Organization" })).toBeVisible();
});

test("without a session the sign-in page comes, and the place is kept for afterwards", async () => {
  server.use(
    http.get("*/api/me", () =>
      HttpResponse.json({ type: "/problems/unauthenticated", title: "Sign in", status: 401 }, { status: 401 }),
    ),
    http.post("*/api/auth/link", () => new HttpResponse(null, { status: 204 })),
  );
  const { router } = start("/account?x=1");
  await heading("Sign in");
  expect(await screen.findByText(/Your session has ended/)).toBeVisible();

  server.use(http.get("*/api/me", () => HttpResponse.json(me)));
  window.location.hash = "#token";
  await heading("Account");
  expect(router.state.location.search).toBe("?x=1");
  expect(window.location.hash).toBe("");
});

test("a link that was used says so, and leaves the address bar", async () => {
  server.use(
    http.post("*/api/auth/link", () =>
      HttpResponse.json({ type: "/problems/link-invalid", title: "No", status: 401 }, { status: 401 }),
    ),
  );
  window.location.hash = "#used";
  start("/sign-in");
  expect(await screen.findByRole("alert")).toHaveTextContent("This link does not work any more");
  expect(window.location.hash).toBe("");
  expect(screen.getByText("msp user link EMAIL")).toBeVisible();
});

test("the switcher keeps the page, and nothing of the old organization stays", async () => {
  const { router } = start(`/o/${CONTOSO.id}/home`);
  await heading("Contoso");
  await userEvent.click(screen.getByRole("button", { name: "Organization: Contoso" }));
  const search = await screen.findByRole("combobox", { name: "Search organizations" });
  await userEvent.type(search, "fab{Enter}");
  await heading("Fabrikam");
  expect(router.state.location.pathname).toBe(`/o/${FABRIKAM.id}/home`);
  expect(screen.queryByText("Contoso")).not.toBeInTheDocument();
});

test("an organization that was searched for is chosen by a click", async () => {
  const { router } = start(`/o/${CONTOSO.id}/home`);
  await heading("Contoso");
  await userEvent.click(screen.getByRole("button", { name: "Organization: Contoso" }));
  await userEvent.type(await screen.findByRole("combobox", { name: "Search organizations" }), "fab");
  await userEvent.click(screen.getByRole("gridcell", { name: "Fabrikam" }));
  await heading("Fabrikam");
  expect(router.state.location.pathname).toBe(`/o/${FABRIKAM.id}/home`);
});

test("/ goes to the filter of the page, and without one to the search of everything", async () => {
  const { router } = start(`/o/${CONTOSO.id}/workflows`);
  const filter = await screen.findByRole("searchbox", { name: "Search workflows" });
  await userEvent.keyboard("/");
  expect(filter).toHaveFocus();
  expect(filter).toHaveValue("");
  await act(() => router.navigate(`/o/${CONTOSO.id}/home`));
  await heading("Contoso");
  await userEvent.keyboard("/");
  await userEvent.type(await screen.findByRole("textbox", { name: "Search" }), "{Escape}");
  await waitFor(() => expect(screen.queryByRole("textbox", { name: "Search" })).not.toBeInTheDocument());
});

test("a star makes a favourite, by keyboard alone", async () => {
  start(`/o/${CONTOSO.id}/home`);
  await heading("Contoso");
  await userEvent.keyboard("go");
  await userEvent.type(await screen.findByRole("combobox", { name: "Search organizations" }), "fab");
  await userEvent.keyboard("{ArrowRight}{Enter}");
  await screen.findByRole("gridcell", { name: "Remove Fabrikam from favourites" });
  await userEvent.keyboard("{Escape}");
  await userEvent.keyboard("go");
  const group = await screen.findByRole("rowgroup", { name: "Favourites" });
  expect(within(group).getByText("Fabrikam")).toBeInTheDocument();
});

test("what is paused says who, why and since when; only administrators can resume", async () => {
  const pause = {
    id: `organization:${CONTOSO.id}`,
    org_id: CONTOSO.id,
    reason: "Licences are assigned twice",
    paused_by: "u",
    paused_by_name: "Grace",
    paused_at: new Date().toISOString(),
  };
  me = someone({ pauses: [pause] });
  const { queryClient } = start(`/o/${CONTOSO.id}/home`);
  expect(await screen.findByText("Contoso is paused")).toBeVisible();
  expect(screen.getByText(/by Grace/)).toHaveTextContent("Licences are assigned twice");
  expect(screen.queryByRole("button", { name: /^Resume/ })).not.toBeInTheDocument();

  const lifted: string[] = [];
  server.use(
    http.delete("*/api/pauses/:id", ({ params }) => {
      lifted.push(String(params.id));
      me = someone({ is_administrator: true });
      return new HttpResponse(null, { status: 204 });
    }),
  );
  me = someone({ is_administrator: true, pauses: [pause] });
  await act(() => queryClient.invalidateQueries({ queryKey: ["me"] }));
  await userEvent.click(await screen.findByRole("button", { name: "Resume: Contoso" }));
  await userEvent.click(await screen.findByRole("button", { name: "Resume" }));
  await waitFor(() => expect(screen.queryByText("Contoso is paused")).not.toBeInTheDocument());
  expect(lifted).toEqual([`organization:${CONTOSO.id}`]);
});

test("another organization's pause does not concern this one", async () => {
  me = someone({
    pauses: [
      {
        id: `organization:${FABRIKAM.id}`,
        org_id: FABRIKAM.id,
        reason: "x",
        paused_by: "u",
        paused_by_name: "Grace",
        paused_at: new Date().toISOString(),
      },
    ],
  });
  const { router } = start(`/o/${CONTOSO.id}/home`);
  await heading("Contoso");
  expect(screen.queryByText("Fabrikam is paused")).not.toBeInTheDocument();
  await act(() => router.navigate("/o/all/home"));
  expect(await screen.findByText("Fabrikam is paused")).toBeVisible();
});

test("a form with unsaved input is asked about before the organization is switched", async () => {
  const { router } = start(`/o/${CONTOSO.id}/home`);
  await heading("Contoso");
  const form = renderHook(({ dirty }) => useUnsavedInput(dirty), { initialProps: { dirty: true } });

  await act(() => router.navigate(`/o/${FABRIKAM.id}/home`));
  const dialog = await screen.findByRole("dialog", { name: "Switch to Fabrikam?" });
  expect(dialog).toHaveTextContent("Your entries for Contoso will be discarded.");
  await userEvent.click(within(dialog).getByRole("button", { name: "Stay here" }));
  expect(router.state.location.pathname).toBe(`/o/${CONTOSO.id}/home`);

  await act(() => router.navigate("/account"));
  await userEvent.click(
    within(await screen.findByRole("dialog", { name: "Leave this page?" })).getByRole("button", { name: "Leave" }),
  );
  await heading("Account");

  form.result.current();
  await act(() => router.navigate(`/o/${FABRIKAM.id}/home`));
  await heading("Fabrikam");
  form.unmount();
});

test("a dialog in the URL with unsaved input is asked about before Back closes it", async () => {
  const { router } = start(`/o/${CONTOSO.id}/home`);
  await heading("Contoso");
  await act(() => router.navigate("?edit=office"));
  const form = renderHook(() => useUnsavedInput(true));

  await act(() => router.navigate(-1));
  const question = within(await screen.findByRole("dialog", { name: "Discard your entries?" }));
  await userEvent.click(question.getByRole("button", { name: "Keep editing" }));
  expect(router.state.location.search).toBe("?edit=office");

  form.result.current();
  await act(() => router.navigate(-1));
  expect(router.state.location.search).toBe("");
  form.unmount();
});

test("while the server is away a banner says so, and goes when it is back", async () => {
  const { queryClient } = start(`/o/${CONTOSO.id}/home`);
  await heading("Contoso");
  server.use(
    http.get("*/api/me", () => HttpResponse.error()),
    http.get("*/readyz", () => new HttpResponse(null, { status: 503 })),
  );
  await act(() => queryClient.refetchQueries({ queryKey: ["me"] }));
  expect(await screen.findByText(/The server (does not answer|is restarting)\./)).toBeVisible();
  expect(await screen.findByText(/The server is restarting\./)).toBeVisible();

  server.use(
    http.get("*/api/me", () => HttpResponse.json(me)),
    http.get("*/readyz", () => HttpResponse.json({ status: "ok" })),
  );
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(screen.queryByText(/The server is restarting/)).not.toBeInTheDocument());
});

test("a newer client on the server offers to reload", async () => {
  // Put in as text, a script is not run.
  document.head.insertAdjacentHTML("beforeend", `<script type="module" src="/assets/mine.js"></script>`);
  server.use(
    http.get("http://localhost:3000/", () =>
      HttpResponse.html(`<div id="root"></div><script type="module" src="/assets/newer.js"></script>`),
    ),
  );
  start(`/o/${CONTOSO.id}/home`);
  expect(await screen.findByRole("button", { name: "Reload to update" })).toBeVisible();
  document.head.querySelector("script")?.remove();
});

test("an administrator pauses an organization with a reason", async () => {
  const paused: unknown[] = [];
  server.use(
    http.put("*/api/pauses/:id", async ({ params, request }) => {
      paused.push([params.id, await request.json()]);
      return HttpResponse.json({ id: params.id, cancelling: 0 });
    }),
  );
  me = someone({ is_administrator: true });
  start(`/o/${CONTOSO.id}/home`);
  await userEvent.click(await screen.findByRole("button", { name: "Account of Ada" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Emergency stop", hidden: true }));
  const dialog = await screen.findByRole("dialog", { name: "Emergency stop" });
  await userEvent.click(within(dialog).getByRole("button", { name: "Pause Contoso" }));
  expect(within(dialog).getByText("Say why, for those who are held up")).toBeVisible();
  await userEvent.type(within(dialog).getByRole("textbox", { name: /Reason/ }), "Wrong licences");
  await userEvent.click(within(dialog).getByRole("button", { name: "Pause Contoso" }));
  await waitFor(() =>
    expect(paused).toEqual([[`organization:${CONTOSO.id}`, { reason: "Wrong licences", cancel_running: false }]]),
  );
});

test("a run of one's own that ends elsewhere is announced with the way to it", async () => {
  const id = "0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10";
  const run = { id, org_id: FABRIKAM.id, workflow_name: "onboard", status: "Running" };
  running = [run];
  server.use(http.get(`*/api/executions/${id}`, () => HttpResponse.json({ ...run, status: "Failed" })));
  const { queryClient } = start("/account");
  await screen.findByRole("link", { name: /^1 running now/ });
  running = [];
  await act(() => queryClient.invalidateQueries());
  const link = await screen.findByRole("link", { name: "Show the run" });
  expect(link).toHaveAttribute("href", `/o/${FABRIKAM.id}/executions/${id}`);
  expect(screen.getByText("onboard: failed")).toBeVisible();
});

test("the palette opens while a control has the focus, and a pasted id leads to the run", async () => {
  const id = "0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10";
  server.use(
    http.get(`*/api/executions/${id}`, () => HttpResponse.json({ id, org_id: FABRIKAM.id, workflow_name: "x" })),
  );
  me = someone({
    organizations: Array.from({ length: 12 }, (_, index) => ({
      ...someone().organizations[0],
      id: index === 0 ? CONTOSO.id : `${index}`,
      name: `Organization ${index}`,
    })) as Me["organizations"],
  });
  me.organizations.push(...someone().organizations.slice(1));
  const { router } = start("/account");
  await userEvent.click(await screen.findByRole("textbox", { name: "Filter organizations" }));
  await userEvent.keyboard("{Control>}k{/Control}");
  const search = await screen.findByRole("textbox", { name: "Search" });
  await userEvent.type(search, ` ${id} `);
  await userEvent.click(await screen.findByRole("button", { name: `Open run ${id}` }));
  await waitFor(() => expect(router.state.location.pathname).toBe(`/o/${FABRIKAM.id}/executions/${id}`));
});
