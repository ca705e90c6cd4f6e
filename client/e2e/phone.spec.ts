import { expectAccessible } from "./support/accessible";
import { choose } from "./support/form";
import { expect, test } from "./support/test";

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

test("on a phone a form is run, the run watched, and found again", async ({ page, platform, signIn }) => {
  await signIn();
  const fits = async (what: string) => {
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(tooWide, `${what} scrolls sideways`).toBeLessThanOrEqual(0);
    await expectAccessible(page, `${what} on a phone`);
  };
  await page.goto(`/o/${platform.org("Northwind")}/home`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await fits("the home");
  await page.getByRole("button", { name: "Open navigation" }).click();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Workflows" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Workflows");
  await fits("the workflows");
  await page.getByRole("link", { name: "user_onboarding" }).click();
  await page.getByRole("link", { name: "Run for Northwind" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Run user_onboarding");
  await page.getByLabel("First name").fill("Paul");
  await page.getByLabel("Last name").fill("Phone");
  await page.getByLabel("E-mail address").fill("paul.phone@northwind.example");
  await choose(page, "License", /^ENTERPRISEPACK/);
  await fits("the form");
  await page.getByRole("button", { name: "Run for Northwind" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Success");
  await fits("the run");
  const run = page.url();

  await page.getByRole("button", { name: "Open navigation" }).click();
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Executions" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Executions");
  await expect(page.getByRole("link", { name: "user_onboarding" }).first()).toBeVisible();
  await fits("the executions");
  await page.getByRole("link", { name: "user_onboarding" }).first().click();
  await expect(page).toHaveURL(run);
});

test("nothing is cut off at 320 pixels", async ({ page, platform, signIn }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await signIn();
  for (const path of ["home", "workflows", "workflows/user_onboarding/run", "executions", "config"]) {
    await page.goto(`/o/${platform.org("Contoso")}/${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(tooWide, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
  }
});
