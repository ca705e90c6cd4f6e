import { expect, test } from "./support/test";

test("a session that has ended leads to signing in, and back to the same address", async ({
  page,
  platform,
  signIn,
}) => {
  await signIn();
  const place = `/o/${platform.org("Contoso")}/executions?status=Failed`;
  await page.goto(place);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Executions");
  // Elsewhere, so that this page knows nothing of it.
  const ended = await page.request.post("/api/auth/sign-out", { headers: { origin: platform.url } });
  expect(ended.status()).toBe(204);

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Workflows" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
  await expect(page.getByText("Your session has ended")).toBeVisible();
  await page.goto(await platform.link());
  await expect(page).toHaveURL(/\/workflows$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Workflows");
});

test("signing out ends the session for good", async ({ page, platform, signIn }) => {
  await signIn();
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You are signed out");
  expect((await page.request.get("/api/me")).status()).toBe(401);
  await page.goto(`/o/${platform.org("Contoso")}/executions`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
});
