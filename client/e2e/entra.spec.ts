import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { expectAccessible } from "./support/accessible";
import { Issuer } from "./support/issuer";
import { Platform } from "./support/platform";
import { expect, test as journey } from "./support/test";

const ADA = { oid: randomUUID(), name: "Ada", preferred_username: "ada@msp.example", roles: ["Platform.Admin"] };
const GRACE = { oid: randomUUID(), name: "Grace", preferred_username: "grace@msp.example", roles: [] };

/** The platform, with an issuer in front of it that is another site to the browser. */
const test = journey.extend<object, { issuer: Issuer }>({
  issuer: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern what is needed
    async ({}, use) => {
      const issuer = await Issuer.start();
      issuer.accounts.push(ADA, GRACE);
      await use(issuer);
      expect(issuer.faults, "what the issuer did not expect").toEqual([]);
      await issuer.end();
    },
    { scope: "worker" },
  ],
  platform: [
    async ({ issuer }, use) => {
      const platform = await Platform.start({ extremes: false, issuer });
      await use(platform);
      await platform.end();
    },
    { scope: "worker", timeout: 120_000 },
  ],
});

const heading = (page: Page) => page.getByRole("heading", { level: 1 });

async function signInAs(page: Page, name: string): Promise<void> {
  await expect(heading(page)).toHaveText("Sign in");
  await page.getByRole("link", { name: /^Sign in with/ }).click();
  await expect(heading(page)).toHaveText("Pick an account");
  await page.getByRole("link", { name, exact: true }).click();
}

test("an address is asked for, Microsoft is asked who it is, and the same address comes back", async ({
  page,
  platform,
}) => {
  const place = `/o/${platform.org("Contoso")}/executions?status=Failed`;
  await page.goto(place);
  await expect(heading(page)).toHaveText("Sign in");
  await expectAccessible(page, "signing in with Microsoft");
  await signInAs(page, "Ada");
  await expect(heading(page)).toHaveText("Executions");
  expect(page.url()).toBe(platform.url + place);
  const cookies = await page.context().cookies(platform.url);
  expect(cookies.map(({ name }) => name)).toEqual([expect.stringMatching(/^msp_session_\d+$/)]);
  expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: "Lax" });
});

test("a draft outlives the session and the way to Microsoft and back", async ({ page, platform }) => {
  const place = `/o/${platform.org("Contoso")}/workflows/user_onboarding/run`;
  await page.goto(place);
  await signInAs(page, "Ada");
  await page.getByLabel("First name").fill("Zoë");
  const ended = await page.request.post("/api/auth/sign-out", { headers: { origin: platform.url } });
  expect(ended.status()).toBe(204);
  await page.reload();
  await expect(page.getByText("Your session has ended")).toBeVisible();
  await signInAs(page, "Ada");
  await expect(page.getByText("Restored your draft")).toBeVisible();
  expect(page.url()).toBe(platform.url + place);
  await expect(page.getByLabel("First name")).toHaveValue("Zoë");
});

test("whoever is new comes in and may do nothing yet", async ({ page }) => {
  await page.goto("/");
  await signInAs(page, "Grace");
  await expect(page.getByText("No organizations")).toBeVisible();
});

test("a tab that waits goes on when another one has signed in", async ({ page, context }) => {
  await page.goto("/account");
  const other = await context.newPage();
  await other.goto("/account");
  await expect(heading(other)).toHaveText("Sign in");
  await signInAs(page, "Ada");
  await expect(heading(page)).toHaveText("Account");
  await expect(heading(other)).toHaveText("Account");
});

test("turning back at Microsoft is explained, and the way is open", async ({ page, platform }) => {
  await page.goto("/account");
  await signInAs(page, "Cancel");
  await expect(page.getByRole("alert")).toContainText("You did not sign in");
  expect(page.url()).toBe(`${platform.url}/sign-in?failed=cancelled`);
  await expectAccessible(page, "a sign-in that failed");
  await signInAs(page, "Ada");
  await expect(heading(page)).toHaveText("Account");
});

test("an answer of Microsoft counts only in the browser that asked, and once", async ({ page, browser, platform }) => {
  const answers: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/api/auth/entra/callback")) {
      answers.push(request.url());
    }
  });
  await page.goto("/account");
  await signInAs(page, "Ada");
  await expect(heading(page)).toHaveText("Account");
  const [answer = ""] = answers;
  expect(answer).toContain("code=");

  const elsewhere = await browser.newContext();
  const victim = await elsewhere.newPage();
  await victim.goto(answer);
  await expect(victim.getByRole("alert")).toContainText("took too long, or was used already");
  expect((await victim.request.get(`${platform.url}/api/me`)).status()).toBe(401);
  await elsewhere.close();
  await page.goto(answer);
  await expect(page.getByRole("alert")).toContainText("took too long, or was used already");
});

test("after signing out Microsoft's session can be ended too, and its page leads back", async ({ page }) => {
  await page.goto("/account");
  await signInAs(page, "Ada");
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(heading(page)).toHaveText("You are signed out");
  await expectAccessible(page, "signed out, and still signed in at Microsoft");
  await page.getByRole("link", { name: "Sign out of Microsoft too" }).click();
  await expect(heading(page)).toHaveText("You signed out of your account");
  await page.getByRole("link", { name: "Go back" }).click();
  await expect(heading(page)).toHaveText("You are signed out");
  expect((await page.request.get("/api/me")).status()).toBe(401);
});
