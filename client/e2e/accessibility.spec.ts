import type { Page } from "@playwright/test";
import { expectAccessible } from "./support/accessible";
import { expect, test } from "./support/test";

/** The page has its heading, and nothing on it is still on its way. */
async function settled(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
}

test("every page of an organization passes every rule of axe in both themes", async ({ page, platform, signIn }) => {
  const ended = await platform.run("slow_report", "Contoso", { seconds: 0.5, step: 0.1 });
  const failed = await platform.run("move_user_department", "Contoso", {
    user: "nobody@contoso.example",
    department: "Sales",
    team: "Inside Sales",
  });
  await expect.poll(() => platform.status(ended)).toBe("Success");
  await expect.poll(() => platform.status(failed)).toBe("Failed");
  await signIn();
  const contoso = `/o/${platform.org("Contoso")}`;
  for (const path of [
    `${contoso}/home`,
    "/o/all/home",
    `${contoso}/workflows`,
    "/o/all/workflows",
    `${contoso}/workflows/user_onboarding`,
    `${contoso}/workflows/user_onboarding/run`,
    "/o/all/workflows/user_onboarding/run",
    `${contoso}/workflows/nowhere`,
    `${contoso}/executions`,
    "/o/all/executions",
    `${contoso}/executions?status=TimedOut`,
    `${contoso}/executions/${ended}`,
    `${contoso}/executions/${ended}?tab=result`,
    `${contoso}/executions/${ended}?tab=input`,
    `${contoso}/executions/${ended}?tab=details`,
    `${contoso}/executions/${failed}`,
    `/o/${platform.org("Fabrikam")}/executions/${ended}`,
    `${contoso}/config`,
    "/o/all/config",
    `${contoso}/integrations`,
    "/o/all/integrations",
    "/o/00000000-0000-4000-8000-000000000000/home",
    "/account",
    "/nowhere",
  ]) {
    await page.goto(path);
    await settled(page);
    await expectAccessible(page, path);
  }
});

test("a running run passes every rule of axe in both themes", async ({ page, platform, signIn }) => {
  const id = await platform.run("slow_report", "Contoso", { seconds: 600 });
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/executions/${id}`);
  await expect(page.getByRole("region", { name: "Log" }).getByText(/^step/).first()).toBeVisible();
  await expectAccessible(page, "a running run");
  await page.getByRole("button", { name: "Cancel run" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await expectAccessible(page, "the question before cancelling");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel run" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Cancelled");
  await expectAccessible(page, "a cancelled run");
});

test("what opens over the pages passes every rule of axe in both themes", async ({ page, platform, signIn }) => {
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/executions`);
  await settled(page);

  await page.getByRole("button", { name: "Organization: Contoso" }).click();
  await expect(page.getByRole("combobox", { name: "Search organizations" })).toBeFocused();
  await expectAccessible(page, "the switcher");
  await page.keyboard.press("Escape");

  await page.keyboard.press("Control+k");
  await expect(page.getByPlaceholder(/^Search pages/)).toBeFocused();
  await expectAccessible(page, "the palette");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: /^Account of/ }).click();
  await expect(page.getByRole("menu")).toBeVisible();
  await expectAccessible(page, "the account menu");
  await page.getByRole("menuitem", { name: "Keyboard shortcuts" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await expectAccessible(page, "the list of shortcuts");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);

  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("menuitem", { name: "Emergency stop" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Pause/ })
    .click();
  await expect(page.getByText("Say why, for those who are held up")).toBeVisible();
  await expectAccessible(page, "the emergency stop with its fault");
});

test("the pages outside of a session pass every rule of axe in both themes", async ({ page }) => {
  for (const path of ["/sign-in", "/signed-out"]) {
    await page.goto(path);
    await settled(page);
    await expectAccessible(page, path);
  }
  await page.goto("/sign-in#not-a-link");
  await expect(page.getByRole("alert")).toBeVisible();
  await expectAccessible(page, "a link that does not work");
});
