import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { rememberPlace } from "@/shared/me/returnTo";
import { tellOtherTabs } from "@/shared/me/signedIn";
import { problemJson } from "@/shared/testing/problemJson";
import { renderPage } from "@/shared/testing/render";
import { strings as common } from "@/strings/shared";
import { strings } from "@/strings/signIn";
import SignedOutPage from "./SignedOutPage";
import SignInPage from "./SignInPage";

const server = setupServer();
const config = (signIn: string, url = "http://localhost:3000/") =>
  http.get("*/config.json", () =>
    HttpResponse.json({ mode: "session", sign_in: signIn, url, version: "1", build: "b" }),
  );

beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
beforeEach(() => server.use(config("entra")));
afterEach(() => {
  server.resetHandlers();
  window.location.hash = "";
});
afterAll(() => server.close());

function open(search = "") {
  return renderPage(<SignInPage />, { at: `/sign-in${search}`, path: "/sign-in" });
}

/** Where the one way in leads. */
async function wayIn(name: string = strings.withMicrosoft): Promise<URL> {
  const link = await screen.findByRole("link", { name });
  return new URL(link.getAttribute("href") ?? "", "http://localhost:3000");
}

test("signing in with Microsoft leads through the server, and back to the place where the session ended", async () => {
  rememberPlace("/o/all/executions?status=Failed#log");
  open();
  const to = await wayIn();
  expect(to.pathname).toBe("/api/auth/entra/start");
  expect(Object.fromEntries(to.searchParams)).toEqual({ return_to: "/o/all/executions?status=Failed#log" });
  expect(screen.queryByText(strings.command)).not.toBeInTheDocument();
});

test("nothing that is no page of this client is gone back to", async () => {
  rememberPlace("//evil.example/");
  open();
  expect((await wayIn()).searchParams.get("return_to")).toBe("/");
});

test.each(Object.entries(strings.failures))("the failure %s is explained with a remedy", async (reason, failure) => {
  open(`?failed=${reason}`);
  const alert = await screen.findByRole("alert");
  expect(alert).toHaveTextContent(failure.title);
  expect(alert).toHaveTextContent(failure.remedy);
  expect(screen.getByRole("link", { name: /^Sign in with/ })).toBeVisible();
});

test("a reason that is not known is not repeated", async () => {
  open(`?failed=${encodeURIComponent("<b>call 555-1234</b>")}`);
  expect(await screen.findByRole("alert")).toHaveTextContent(strings.failures.other.title);
  expect(screen.queryByText(/555/)).not.toBeInTheDocument();
});

test("names of JavaScript are no reasons", async () => {
  open("?failed=constructor");
  expect(await screen.findByRole("alert")).toHaveTextContent(strings.failures.other.title);
});

test("an account that may not come in is not chosen by itself again", async () => {
  open("?failed=inactive");
  expect((await wayIn(strings.withAnotherAccount)).searchParams.get("choose_account")).toBe("true");
});

test("at another address than the one Microsoft comes back to, the page leads there", async () => {
  server.use(config("entra", "https://automation.example.com/"));
  open();
  expect(await screen.findByRole("link")).toHaveAttribute("href", "https://automation.example.com/sign-in");
});

test("with local accounts there is no way to Microsoft", async () => {
  server.use(config("local"));
  open();
  expect(await screen.findByText(strings.command)).toBeVisible();
  expect(screen.queryByRole("link")).not.toBeInTheDocument();
});

test("a one-time link where people sign in with Microsoft leaves the address bar and leads there", async () => {
  server.use(http.post("*/api/auth/link", () => problemJson(403, "local-sign-in-off")));
  window.location.hash = "#token";
  open();
  await wayIn();
  expect(window.location.hash).toBe("");
});

test("a server that does not say how is asked again", async () => {
  server.use(http.get("*/config.json", () => problemJson(500, "internal"), { once: true }));
  open();
  expect(await screen.findByRole("alert")).toHaveTextContent(strings.configFailed);
  await userEvent.click(screen.getByRole("button", { name: common.retry }));
  await wayIn();
});

test("a tab that waits goes on when another one has signed in", async () => {
  rememberPlace("/o/all/home");
  const { router } = open();
  await wayIn();
  const another = new BroadcastChannel("msp.session");
  another.postMessage("signed-in");
  await waitFor(() => expect(router.state.location.pathname).toBe("/o/all/home"));
  another.close();
});

test("a tab does not hear itself", async () => {
  const { router } = open();
  await wayIn();
  tellOtherTabs();
  const after = new BroadcastChannel("msp.session");
  const heard = new Promise((resolve) => after.addEventListener("message", resolve, { once: true }));
  tellOtherTabs();
  await heard;
  after.close();
  expect(router.state.location.pathname).toBe("/sign-in");
});

test.each([
  ["entra", 1],
  ["local", 0],
])("after signing out with %s accounts, Microsoft's session is offered %i times", async (signIn, times) => {
  server.use(config(signIn));
  const { queryClient } = renderPage(<SignedOutPage />, { at: "/signed-out", path: "/signed-out" });
  await screen.findByRole("link", { name: strings.signInAgain });
  await waitFor(() => expect(queryClient.getQueryData(["client-config"])).toMatchObject({ sign_in: signIn }));
  expect(screen.queryAllByRole("link", { name: strings.signOutOfMicrosoft })).toHaveLength(times);
});
