import type { Page } from "@playwright/test";
import { expectAccessible } from "./support/accessible";
import { choose } from "./support/form";
import type { Platform } from "./support/platform";
import { expect, test } from "./support/test";

async function openOnboarding(page: Page, platform: Platform): Promise<void> {
  await page.goto(`/o/${platform.org("Fabrikam")}/workflows`);
  await page.getByRole("table").getByRole("link", { name: "user_onboarding" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("user_onboarding");
  await page.getByRole("link", { name: "Run for Fabrikam" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Run user_onboarding");
}

test("a technician onboards a user, watches it happen, finds the run again and repeats it", async ({
  page,
  platform,
  signIn,
}) => {
  await signIn();
  await openOnboarding(page, platform);
  await page.getByLabel("First name").fill("Grace");
  await page.getByLabel("Last name").fill("Weber");
  await page.getByLabel("E-mail address").fill("grace.weber@fabrikam.example");
  await choose(page, "License", /^SPB/);
  await page.getByRole("button", { name: "Run for Fabrikam" }).click();

  await expect(page).toHaveURL(/\/executions\/[0-9a-f-]{36}$/);
  const first = page.url();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("user_onboarding");
  const log = page.getByRole("region", { name: "Log" });
  await expect(log.getByText("created grace.weber@fabrikam.example")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Success");
  await expect(page.getByText("Assign the license")).toBeVisible();
  await page.getByRole("tab", { name: "Result" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("grace.weber@fabrikam.example");
  expect(await platform.hasUser("grace.weber@fabrikam.example")).toBe(true);

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Executions" }).click();
  await expect(page).toHaveTitle("Executions - Fabrikam - MSP Automation");
  await page.getByRole("table").getByRole("link", { name: "user_onboarding" }).first().click();
  await expect(page).toHaveURL(first);

  await page.getByRole("link", { name: "Run again" }).click();
  await expect(page.getByText("Filled with the input of an earlier run")).toBeVisible();
  await expect(page.getByLabel("First name")).toHaveValue("Grace");
  await expect(page.getByLabel("E-mail address")).toHaveValue("grace.weber@fabrikam.example");
  await page.getByRole("button", { name: "Run for Fabrikam" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Success");
  expect(page.url()).not.toBe(first);
  await expect(page.getByText("exists already; only the license is assigned")).toBeVisible();
  await page.getByRole("link", { name: "an earlier run" }).first().click();
  await expect(page).toHaveURL(first);
});

test("a list that depends on another field waits for it, and follows it", async ({ page, platform, signIn }) => {
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/workflows/move_user_department/run`);
  await expect(page.getByPlaceholder("Choose New department first")).toBeDisabled();
  await choose(page, "User", "Ada Larsen");
  await choose(page, "New department", "Sales");
  await choose(page, "New team", "Inside Sales");
  await choose(page, "New department", "Finance");
  // The team is not one of the other department.
  await expect(page.getByRole("combobox", { name: "New team" })).toHaveValue("");
  await choose(page, "New department", "Sales");
  await choose(page, "New team", "Field Sales");
  await page.getByRole("button", { name: "Run for Contoso" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Success");
});

test("what is missing is listed and focused, and nothing is sent", async ({ page, platform, signIn }) => {
  await signIn();
  await openOnboarding(page, platform);
  const sent: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST" && request.url().includes("/workflows/user_onboarding")) {
      sent.push(request.url());
    }
  });
  await page.getByRole("button", { name: "Run for Fabrikam" }).click();
  await expect(page.getByText("4 entries need a look")).toBeVisible();
  await expect(page.getByLabel("First name")).toBeFocused();
  await expectAccessible(page, "a form with its faults");
  await page.getByLabel("E-mail address").fill("nobody");
  await page.getByLabel("E-mail address").blur();
  await expect(page.getByText("Enter an e-mail address, such as ada@example.com").first()).toBeVisible();
  expect(sent).toEqual([]);
});

test("however often the button is pressed, the workflow runs once", async ({ page, platform, signIn }) => {
  await signIn();
  await page.goto(`/o/${platform.org("Northwind")}/workflows/slow_report/run?seconds=0`);
  const button = page.getByRole("button", { name: "Run for Northwind" });
  await expect(button).toBeEnabled();
  await button.evaluate((element) => {
    for (let press = 0; press < 5; press += 1) {
      if (element instanceof HTMLElement) {
        element.click();
      }
    }
  });
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Success");
  const { items } = await platform.api<{ items: unknown[] }>("GET", "/api/executions?workflow=slow_report", {
    org: "Northwind",
  });
  expect(items).toHaveLength(1);
});

test("leaving a form with entries asks first, and its draft comes back", async ({ page, platform, signIn }) => {
  await signIn();
  await openOnboarding(page, platform);
  await page.getByLabel("First name").fill("Ada");
  await page.getByRole("button", { name: "Organization: Fabrikam" }).click();
  await page.getByRole("combobox", { name: "Search organizations" }).fill("contoso");
  await page.keyboard.press("Enter");
  const question = page.getByRole("dialog");
  await expect(question).toContainText("Your entries for Fabrikam will be discarded.");
  await question.getByRole("button", { name: "Stay here" }).click();
  await expect(page.getByLabel("First name")).toHaveValue("Ada");
  await page.reload();
  await expect(page.getByText("Restored your draft")).toBeVisible();
  await expect(page.getByLabel("First name")).toHaveValue("Ada");
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(page.getByLabel("First name")).toHaveValue("");
});

test("a workflow is run with the keyboard alone", async ({ page, platform, signIn }) => {
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/home`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.keyboard.press("Control+k");
  await expect(page.getByPlaceholder(/^Search pages/)).toBeFocused();
  await page.keyboard.type("Run slow_report");
  await expect(page.getByText("Run slow_report for Contoso")).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Run slow_report");
  // Navigation has put the focus on the heading; what follows is reached with Tab.
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await tabTo(page, "How long");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("600");
  await tabTo(page, "Run for Contoso");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/executions\/[0-9a-f-]{36}$/);
  await expect(page.getByRole("region", { name: "Log" }).getByText(/^step 1 of/)).toBeVisible();
  await tabTo(page, "Cancel run");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await tabTo(page, "Cancel run");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Cancelled");
});

/** Presses Tab until what has this name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  const MOST = 40;
  for (let presses = 0; presses < MOST; presses += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : undefined;
      return label ?? element?.getAttribute("aria-label") ?? element?.textContent ?? "";
    });
    if (focused.replace(/\s*\*$/, "") === name) {
      return;
    }
  }
  throw new Error(`Tab does not lead to ${name}`);
}
