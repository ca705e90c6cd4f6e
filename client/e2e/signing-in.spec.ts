import { expect, test } from "./support/test";

test("a one-time link signs in once, and leaves neither the address bar nor the history with its token", async ({
  page,
  platform,
}) => {
  const link = await platform.link();
  const token = new URL(link).hash;
  await page.goto(link);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Main" })).toBeAttached();
  expect(page.url()).not.toContain(token);
  await page.goBack();
  expect(page.url()).not.toContain(token);

  await page.context().clearCookies();
  await page.goto(link);
  await expect(page.getByRole("alert")).toContainText("does not work any more");
});
